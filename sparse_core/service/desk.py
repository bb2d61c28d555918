"""The desk: takes every call and hands it to the lane that does such work."""

import logging
from collections.abc import Hashable
from functools import partial
from threading import Thread

from sparse_core.messages import (
    PROTOCOL,
    Answer,
    CacheWanted,
    Call,
    Cancel,
    CellWanted,
    CloseCheckpoint,
    Credit,
    Done,
    Failed,
    FileId,
    FolderWanted,
    Hello,
    LayerWanted,
    LookFirst,
    LoupeWanted,
    NextViolation,
    OpenCheckpoint,
    Opened,
    PictureWanted,
    ProfileWanted,
    RepairTo,
    RepairWanted,
    Reply,
    ReportTo,
    ScanCheckpoint,
    TilesWanted,
    UnsteadyWanted,
    ValuesWanted,
    ViolationsWanted,
    WatchFiles,
)
from sparse_core.messages.comparison import (
    CompareWanted,
    DifferenceTilesWanted,
    NextDifference,
)
from sparse_core.messages.jobs import (
    EndJob,
    FollowJobs,
    ForgetJobs,
    KnowRun,
    LogWanted,
    MeasurementsWanted,
    ResumeTraining,
    StartSweep,
    StartTool,
    StartTraining,
    Steer,
)
from sparse_core.messages.runs import AdviceWanted, FollowRun, RunsWanted
from sparse_core.messages.speed import SpeedHistoryWanted, SpeedResultWanted, SpeedWanted
from sparse_core.messages.timeline import (
    BundleWanted,
    ChangesWanted,
    OscillatorsWanted,
    SeriesTilesWanted,
    TimelineWanted,
    WeightWanted,
)
from sparse_core.messages.training import DraftWanted, FormWanted, RecipeWanted
from sparse_core.runs.places import absolute
from sparse_core.service.differences import Differences
from sparse_core.service.drafts import Drafts
from sparse_core.service.findings import Findings
from sparse_core.service.folders import held_by_cache, list_folder
from sparse_core.service.followed_run import FollowedRun
from sparse_core.service.following import Following
from sparse_core.service.job_list import JobList
from sparse_core.service.jobs import Jobs
from sparse_core.service.lanes import Job, Lane, Work
from sparse_core.service.listing import columns_of
from sparse_core.service.measurements import measurements
from sparse_core.service.outbox import Outbox, Write
from sparse_core.service.pictures import Pictures
from sparse_core.service.profiles import Profiles
from sparse_core.service.repairs import Repairs
from sparse_core.service.reports import Reports
from sparse_core.service.run_tables import advice, runs_table
from sparse_core.service.scanning import Scans
from sparse_core.service.shelf import Shelf
from sparse_core.service.speed_tests import SpeedTests
from sparse_core.service.timelines import Timelines
from sparse_core.service.watch import Watch
from sparse_core.version import VERSION

LOG = logging.getLogger(__name__)

LANES = (
    "open",
    "scan",
    "picture",
    "tiles",
    "cell",
    "values",
    "groups",
    "repair",
    "report",
    "series",
    "flips",
    "jobs",
    "draft",
    "runs",
    "speed",
)
"""One thread each, so that a scan keeps no cursor waiting."""

BULK = frozenset({"open", "scan", "tiles", "series", "flips", "runs"})
"""Lanes whose answers wait for credits."""


class Service:
    """Requests in, answers out.

    Parameters
    ----------
    write : callable
        Takes the bytes of one frame; called from one thread.
    """

    def __init__(self, write: Write) -> None:
        self._outbox = Outbox(write)
        self._shelf = Shelf()
        self._pictures = Pictures(self._shelf)
        self._findings = Findings(self._shelf)
        self._repairs = Repairs(self._shelf)
        self._profiles = Profiles(self._shelf)
        self._timelines = Timelines()
        self._differences = Differences(self._shelf)
        self._scans = Scans(self._shelf, self._outbox)
        self._reports = Reports(self._shelf, self._scans)
        self._jobs = Jobs()
        self._speed = SpeedTests(self._scans)
        self._drafts = Drafts()
        self._following = Following(self._outbox, idle=self._tidy)
        self._watch = Watch(lambda news: self._outbox.say(Answer(0, news)))
        self._lanes = {name: Lane(name) for name in LANES}
        self._writer = Thread(target=self._outbox.run, name="writer", daemon=True)

    def start(self) -> None:
        """Start the threads."""
        self._writer.start()
        self._watch.start()
        self._following.start()
        for lane in self._lanes.values():
            lane.start()

    def close(self) -> None:
        """Stop all work and end the threads."""
        self._watch.close()
        self._outbox.close()
        self._following.close()
        for lane in self._lanes.values():
            lane.close()
        self._drafts.close()
        if self._writer.is_alive():
            self._writer.join()

    def _tidy(self) -> None:
        """Take note of children that ended, and end one that nobody needs."""
        self._jobs.reap()
        self._drafts.rest()

    def tell(self, reply: Reply) -> None:
        """Say what nobody asked for."""
        self._outbox.say(Answer(0, reply))

    def handle(self, call: Call) -> None:
        """Take one call. Never works long and never raises on what it asks."""
        match call.body:
            case Credit(frames):
                self._outbox.credit(frames)
            case Hello(protocol, _, threads):
                self._scans.set_threads(threads)
                self._reply(call, _greet(protocol))
            case Cancel(number):
                for lane in self._lanes.values():
                    lane.cancel(number)
                self._following.cancel(number)
                self._reply(call, Done())
            case LookFirst(scan, rows):
                self._scans.look_first(scan, rows)
                self._reply(call, Done())
            case WatchFiles(files):
                self._watch.files(files)
                self._reply(call, Done())
            case CloseCheckpoint(file):
                self._shelf.close(file)
                self._reply(call, Done())
            case _:
                self._queue(call)

    def refuse(self, number: int, sentence: str) -> None:
        """Answer a call that cannot be understood."""
        self._outbox.say(Answer(number, Failed(sentence, "Protocol"), last=True))

    def _reply(self, call: Call, reply: Reply) -> None:
        """Answer at once."""
        self._outbox.say(Answer(call.id, reply, last=True))

    def _queue(self, call: Call) -> None:
        """Give the call to its lane."""
        match call.body:
            case OpenCheckpoint() as body:
                self._put("open", call, partial(self._open, wanted=body))
            case ScanCheckpoint() as body:
                self._put("scan", call, partial(self._scans.scan, wanted=body))
            case TilesWanted() as body:
                self._put("tiles", call, partial(self._pictures.tiles, wanted=body))
            case PictureWanted() as body:
                self._put("picture", call, partial(self._pictures.picture, wanted=body))
            case CellWanted() as body:
                self._put("cell", call, partial(self._pictures.cell, wanted=body))
            case ValuesWanted() as body:
                self._put("values", call, partial(self._pictures.values, wanted=body))
            case LayerWanted() as body:
                self._put("values", call, partial(self._pictures.layer, wanted=body))
            case FolderWanted() as body:
                self._put("cell", call, partial(list_folder, wanted=body))
            case CacheWanted() as body:
                self._put("values", call, partial(held_by_cache, wanted=body))
            case _:
                self._queue_finding(call)

    def _queue_finding(self, call: Call) -> None:
        """Give a question about groups to its lane."""
        match call.body:
            case ViolationsWanted() as body:
                self._put("groups", call, partial(self._findings.violations, wanted=body))
            case NextViolation() as body:
                self._put("groups", call, partial(self._findings.next_violation, wanted=body))
            case LoupeWanted() as body:
                self._put("cell", call, partial(self._findings.loupe, wanted=body))
            case UnsteadyWanted() as body:
                self._put("groups", call, partial(self._findings.unsteady, wanted=body))
            case RepairWanted() as body:
                self._put("groups", call, partial(self._findings.repair, wanted=body))
            case RepairTo() as body:
                self._put("repair", call, partial(self._repairs.repair_to, wanted=body))
            case ReportTo() as body:
                self._put("report", call, partial(self._reports.report_to, wanted=body))
            case ProfileWanted() as body:
                self._put("values", call, partial(self._profiles.profile, wanted=body))
            case _:
                self._queue_series(call)

    def _queue_series(self, call: Call) -> None:
        """Give a question about series of checkpoints to its lane."""
        match call.body:
            case TimelineWanted() as body:
                self._put("series", call, partial(self._timelines.timeline, wanted=body))
            case CompareWanted() as body:
                self._put("series", call, partial(self._differences.compare, wanted=body))
            case DifferenceTilesWanted() as body:
                self._put("flips", call, partial(self._differences.tiles, wanted=body))
            case NextDifference() as body:
                self._put("flips", call, partial(self._differences.next, wanted=body))
            case BundleWanted() as body:
                self._put("series", call, partial(self._timelines.bundle, wanted=body))
            case SeriesTilesWanted() as body:
                self._put("flips", call, partial(self._timelines.tiles, wanted=body))
            case OscillatorsWanted() as body:
                self._put("flips", call, partial(self._timelines.oscillators, wanted=body))
            case WeightWanted() as body:
                self._put("flips", call, partial(self._timelines.weight, wanted=body))
            case ChangesWanted() as body:
                self._put("flips", call, partial(self._timelines.changes, wanted=body))
            case _:
                self._queue_job(call)

    def _queue_job(self, call: Call) -> None:
        """Look at runs for a question, or give one about jobs to its lane."""
        match call.body:
            case FollowRun(run):
                self._following.add(call.id, FollowedRun(str(absolute(run))))
            case FollowJobs():
                self._following.add(call.id, JobList())
            case StartTraining() as body:
                self._put("jobs", call, partial(self._jobs.train, wanted=body))
            case ResumeTraining() as body:
                self._put("jobs", call, partial(self._jobs.resume, wanted=body))
            case StartSweep() as body:
                self._put("jobs", call, partial(self._jobs.sweep, wanted=body))
            case StartTool() as body:
                self._put("jobs", call, partial(self._jobs.tool, wanted=body))
            case EndJob() as body:
                # A thread for each: one that takes its time keeps no other waiting.
                self._put(f"end {body.folder}", call, partial(self._jobs.end, wanted=body))
            case Steer() as body:
                self._put("cell", call, partial(self._jobs.steer, wanted=body))
            case _:
                self._queue_speed(call)

    def _queue_speed(self, call: Call) -> None:
        """Give a question about speed to its lane: a test runs for minutes."""
        match call.body:
            case SpeedWanted() as body:
                self._put("speed", call, partial(self._speed.run, wanted=body))
            case SpeedHistoryWanted() as body:
                self._put("runs", call, partial(self._speed.history, wanted=body))
            case SpeedResultWanted() as body:
                self._put("runs", call, partial(self._speed.result, wanted=body))
            case _:
                self._queue_look(call)

    def _queue_look(self, call: Call) -> None:
        """Give a question about what jobs left behind to its lane."""
        match call.body:
            case FormWanted() as body:
                self._put("draft", call, partial(self._drafts.form, wanted=body))
            case DraftWanted() as body:
                self._put("draft", call, partial(self._drafts.draft, wanted=body))
            case RecipeWanted() as body:
                self._put("jobs", call, partial(self._drafts.recipe, wanted=body))
            case KnowRun() as body:
                self._put("jobs", call, partial(self._jobs.know, wanted=body))
            case ForgetJobs() as body:
                self._put("jobs", call, partial(self._jobs.forget, wanted=body))
            case RunsWanted() as body:
                self._put("runs", call, partial(runs_table, wanted=body))
            case AdviceWanted() as body:
                self._put("runs", call, partial(advice, wanted=body))
            case LogWanted() as body:
                self._put("jobs", call, partial(self._jobs.log, wanted=body))
            case MeasurementsWanted() as body:
                self._put("jobs", call, partial(measurements, wanted=body))
            case _:
                self.refuse(call.id, f"This core cannot do {type(call.body).__name__}.")

    def _put(self, lane: str, call: Call, work: Work) -> None:
        """Queue a job; of the questions of a view only the newest counts."""
        job = Job(call.id, work, self._outbox, bulk=lane in BULK, key=_place_of(call))
        if lane not in self._lanes:
            self._lanes[lane] = Lane(lane)
            self._lanes[lane].start()
        self._lanes[lane].put(job)

    def _open(self, job: Job, wanted: OpenCheckpoint) -> Done:
        """List a file."""
        checkpoint = self._shelf.checkpoint(wanted.file)
        file = FileId(wanted.file.path, wanted.file.container, checkpoint.stamp)
        job.answer(Opened(file, checkpoint.summary))
        for columns in columns_of(checkpoint, wanted.options):
            job.answer(columns)
        return Done()


def _greet(protocol: int) -> Reply:
    """Compare the protocols."""
    if protocol == PROTOCOL:
        return Done()
    return Failed(
        f"The window speaks protocol {protocol}, this core (version {VERSION}) {PROTOCOL}: "
        "install the same version of sparsescope on both machines.",
        "Protocol",
    )


def _place_of(call: Call) -> Hashable:
    """Name the place that only one call at a time can have: a newer one takes it."""
    body = call.body
    if isinstance(body, LayerWanted):
        return type(body), body.file.path, body.file.container
    if isinstance(body, EndJob):
        return type(body), body.folder
    if isinstance(body, TimelineWanted):
        return type(body), body.series
    view = getattr(body, "view", None)
    return None if view is None else (type(body), view)
