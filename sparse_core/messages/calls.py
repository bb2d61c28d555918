"""The envelopes: a numbered call, and the answers that carry its number."""

import msgspec

from sparse_core.messages.comparison import (
    Compared,
    CompareWanted,
    Difference,
    DifferenceTilesWanted,
    NextDifference,
)
from sparse_core.messages.folders import CacheHeld, CacheWanted, Folder, FolderWanted
from sparse_core.messages.jobs import (
    EndJob,
    EndStage,
    FollowJobs,
    ForgetJobs,
    Jobs,
    JobStarted,
    KnowRun,
    Log,
    LogWanted,
    Measurements,
    MeasurementsWanted,
    ResumeTraining,
    StartSweep,
    StartTool,
    StartTraining,
    Steer,
    Steered,
)
from sparse_core.messages.profile import Profile, ProfileWanted
from sparse_core.messages.replies import (
    Cell,
    Done,
    Failed,
    FileChanged,
    Layer,
    LayerColumns,
    Opened,
    Picture,
    Progress,
    Scanned,
    Stopped,
    TensorColumns,
    Tile,
    Values,
    Welcome,
)
from sparse_core.messages.report import ReportTo, ReportWritten
from sparse_core.messages.requests import (
    Cancel,
    CellWanted,
    CloseCheckpoint,
    Credit,
    Hello,
    LayerWanted,
    LookFirst,
    OpenCheckpoint,
    PictureWanted,
    ScanCheckpoint,
    TilesWanted,
    ValuesWanted,
    WatchFiles,
)
from sparse_core.messages.runs import (
    Advice,
    AdviceWanted,
    FollowRun,
    RunAlert,
    RunGroups,
    RunHead,
    RunLayers,
    RunMarks,
    RunSeries,
    RunsTable,
    RunState,
    RunsWanted,
)
from sparse_core.messages.scan import Verdict
from sparse_core.messages.speed import (
    SpeedHistory,
    SpeedHistoryWanted,
    SpeedResultWanted,
    SpeedRows,
    SpeedSaved,
    SpeedWanted,
)
from sparse_core.messages.timeline import (
    BundleWanted,
    Changes,
    ChangesWanted,
    Curve,
    Oscillators,
    OscillatorsWanted,
    SeriesTile,
    SeriesTilesWanted,
    TimelinePoints,
    TimelineRows,
    TimelineWanted,
    WeightStory,
    WeightWanted,
    Written,
)
from sparse_core.messages.training import (
    Draft,
    DraftWanted,
    Form,
    FormWanted,
    RecipeFound,
    RecipeWanted,
)
from sparse_core.messages.violations import (
    Loupe,
    LoupeWanted,
    NextViolation,
    Repaired,
    RepairPreview,
    RepairTo,
    RepairWanted,
    UnsteadyWanted,
    Violations,
    ViolationsWanted,
)

Request = (
    Hello
    | OpenCheckpoint
    | ScanCheckpoint
    | LookFirst
    | Cancel
    | CloseCheckpoint
    | LayerWanted
    | PictureWanted
    | TilesWanted
    | CellWanted
    | ValuesWanted
    | WatchFiles
    | ViolationsWanted
    | NextViolation
    | LoupeWanted
    | UnsteadyWanted
    | RepairWanted
    | RepairTo
    | ReportTo
    | ProfileWanted
    | FolderWanted
    | CacheWanted
    | Credit
    | TimelineWanted
    | SeriesTilesWanted
    | OscillatorsWanted
    | ChangesWanted
    | WeightWanted
    | CompareWanted
    | DifferenceTilesWanted
    | NextDifference
    | BundleWanted
    | FormWanted
    | DraftWanted
    | RecipeWanted
    | StartTraining
    | ResumeTraining
    | StartSweep
    | StartTool
    | FollowJobs
    | KnowRun
    | ForgetJobs
    | LogWanted
    | Steer
    | EndJob
    | MeasurementsWanted
    | FollowRun
    | RunsWanted
    | AdviceWanted
    | SpeedWanted
    | SpeedHistoryWanted
    | SpeedResultWanted
)
Reply = (
    Welcome
    | Opened
    | TensorColumns
    | LayerColumns
    | Layer
    | Progress
    | Verdict
    | Scanned
    | Picture
    | Tile
    | Cell
    | Values
    | FileChanged
    | Violations
    | Loupe
    | RepairPreview
    | Repaired
    | ReportWritten
    | Profile
    | Folder
    | CacheHeld
    | Done
    | Failed
    | Stopped
    | TimelinePoints
    | TimelineRows
    | Curve
    | SeriesTile
    | Oscillators
    | Changes
    | WeightStory
    | Compared
    | Difference
    | SpeedRows
    | SpeedSaved
    | SpeedHistory
    | Written
    | Form
    | Draft
    | RecipeFound
    | JobStarted
    | Jobs
    | Log
    | Steered
    | EndStage
    | Measurements
    | RunHead
    | RunSeries
    | RunLayers
    | RunGroups
    | RunMarks
    | RunState
    | RunAlert
    | RunsTable
    | Advice
)


class Call(msgspec.Struct, frozen=True):
    """A request with its number. Every call but a ``Credit`` gets a last answer."""

    id: int
    body: Request


class Answer(msgspec.Struct, frozen=True):
    """A reply to call ``id``; nothing follows after ``last``."""

    id: int
    body: Reply
    last: bool = False
