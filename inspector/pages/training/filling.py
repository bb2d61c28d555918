"""Fills the form from the page's view, and takes what the user fills in."""

import shlex
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from inspector.models import recipe
from inspector.models.form_feed import FormFeed
from inspector.models.recipe import Answers
from inspector.models.run_words import draft_words
from sparse_core.messages import Answer, Failed
from sparse_core.messages.training import RecipeFound, RecipeWanted

if TYPE_CHECKING:
    from inspector.pages.training.page import TrainingPage

_LOADING = "Looking at what can be trained here: torch is loading …"


class Filling(QObject):
    """The form of the page."""

    def __init__(self, page: "TrainingPage") -> None:
        super().__init__(page)
        self._page = page
        self._feed: FormFeed | None = None
        self._at = ("", "")
        self._reason = ""
        form = page.form
        form.changed.connect(lambda key, text: self._answer(page.view.answers.having(key, text)))
        form.layer_toggled.connect(self._toggle)
        form.recipe_chosen.connect(self._choose)
        form.more_wanted.connect(lambda more: page.change(more=more))
        form.trust_wanted.connect(self._trust)

    @property
    def feed(self) -> FormFeed | None:
        """What the core says of the form, None before the page was shown."""
        return self._feed

    @property
    def busy(self) -> bool:
        """Whether something is still to come."""
        return self._feed is not None and self._feed.busy

    @property
    def ready(self) -> bool:
        """Whether what is filled in can be started."""
        draft = self._feed.draft if self._feed is not None else None
        return draft is not None and not draft.complaints

    @property
    def command(self) -> str:
        """The command line that does the same."""
        draft = self._feed.draft if self._feed is not None else None
        if draft is None:
            return ""
        answers = self._page.view.answers
        words = []
        for word in recipe.sweep_words(answers.over):
            words += ["--sweep", word]
        if answers.seeds > 1:
            words += ["--seeds", str(answers.seeds)]
        return f"{draft.command} {shlex.join(words)}".strip()

    @property
    def python(self) -> str:
        """The lines of Python that do the same."""
        return self._feed.draft.python if self._feed is not None and self._feed.draft else ""

    def begin(self) -> None:
        """Ask what can be trained on the machine of the view."""
        page = self._page
        python = page.desk.settings.python if not page.view.host else ""
        if self._feed is not None and self._at == (page.view.host, python):
            return
        self.release()
        self._at = (page.view.host, python)
        self._feed = FormFeed(page.desk.asker(page.view.host), python, self)
        self._feed.changed.connect(self.show)
        self._feed.drafted.connect(self._show_draft)
        self._feed.failed.connect(page.problem_found)
        self._feed.begin()

    def ask_again(self) -> None:
        """Ask anew: the core that was asked is gone."""
        if self._feed is not None:
            self._feed.ask_again()

    def look_again(self) -> None:
        """Look at the same recipe anew: its run folder may be taken by now."""
        if self._feed is not None:
            self._feed.look_again()
            self.show()

    def release(self) -> None:
        """Let go of the core."""
        if self._feed is not None:
            self._feed.release()
            self._feed.deleteLater()
            self._feed = None

    # ------------------------------------------------------------ filling in

    def take(self, answers: Answers, reason: str) -> None:
        """Fill in what another page, or a run, proposes; what of it begins at is asked for."""
        self._reason = reason
        self._answer(answers)
        source = answers.get("init")
        if source:
            self._page.ask(RecipeWanted(source), lambda answer: self._found(answers, answer))

    def fill(self, answers: Answers, reason: str) -> None:
        """Fill in all of a form; nothing else is asked for."""
        self._reason = reason
        self._answer(answers)
        self.show()

    def _found(self, wanted: Answers, answer: Answer) -> None:
        """Fill in what the run of a checkpoint had chosen, where nothing else was said."""
        body = answer.body
        if isinstance(body, Failed):
            self._page.tell(body.sentence, wanted.get("init"))
        elif isinstance(body, RecipeFound) and self._page.view.answers == wanted:
            named = {**recipe.texts_of(body.recipe.options), **wanted.named}
            self._reason = " ".join(part for part in (self._reason, *body.notes) if part)
            self._answer(Answers(tuple(named.items()), wanted.run))

    def _answer(self, answers: Answers) -> None:
        self._page.change(answers=answers)

    def _toggle(self, layer: str, sparse: bool) -> None:
        if self._feed is not None and self._feed.draft is not None:
            answers, policy = self._page.view.answers, self._feed.draft.policy
            self._answer(recipe.with_layer(answers, policy, layer, sparse=sparse))

    def _choose(self, place: int) -> None:
        """Take a preset, or what was started before."""
        if self._feed is None or self._feed.form is None:
            return
        presets = self._feed.form.presets
        self._reason = presets[place].help if place < len(presets) else ""
        if place < len(presets):
            self._answer(recipe.from_preset(self._page.view.answers, presets[place]))
        else:
            self._answer(self._page.view.recent[place - len(presets)])

    def _trust(self) -> None:
        """Agree that files of the user's are executed where it trains."""
        answers = self._page.view.answers
        self._answer(
            Answers(
                answers.options,
                answers.run,
                (*answers.trusted, *answers.doubtful),
                answers.over,
                answers.seeds,
            )
        )

    # ------------------------------------------------------------ showing

    def show(self) -> None:
        """Show what the view says, and have it looked at."""
        page, feed = self._page, self._feed
        form = feed.form if feed is not None else None
        page.form.setEnabled(form is not None)
        if feed is None or form is None:
            page.form.show_said(_LOADING if feed is not None and feed.busy else "", "", False)
            return
        answers = page.view.answers
        recents = [
            (f"again: {self._title(one)}", "What was started before") for one in page.view.recent
        ]
        page.form.offer_recipes([*((one.title, one.help) for one in form.presets), *recents])
        method, task = recipe.method_of(form, answers), recipe.task_of(form, answers)
        for kind, one in (("task", task), ("method", method)):
            summary = "" if one is None else one.summary or one.refusal
            page.form.show_head(
                kind, recipe.names(form, kind), recipe.chosen(form, answers, kind), summary
            )
        devices = ("", *(device.name for device in form.devices))
        page.form.show_fields(recipe.asked(form, answers), devices, page.view.more)
        page.form.show_trust(answers.doubtful)
        page.form.beside.set_whole(self._reason)
        feed.show(answers)
        self._show_draft()

    def _show_draft(self) -> None:
        page, feed = self._page, self._feed
        if feed is None or feed.form is None:
            return
        draft = feed.draft
        if draft is None:
            page.form.show_said("Looking at it …", "", False, self._button)
            return
        page.form.show_complaints([(one.key, one.sentence) for one in draft.complaints])
        if draft.layers:
            sparse = [bool(one) for one in draft.sparse]
            page.form.layers.show_layers(draft.layers, sparse, draft.reasons)
        row = page.form.rows.get("run")
        if row is not None:
            row.set_suggestion(draft.recipe.run)
        page.form.show_said(draft_words(draft), self.command, self.ready, self._button)
        page.moved.emit()

    @property
    def _button(self) -> str:
        answers = self._page.view.answers
        return "Sweep" if answers.sweep else "Start"

    @staticmethod
    def _title(answers: Answers) -> str:
        parts = (answers.get("method"), answers.get("pattern"), answers.get("task"))
        said = " ".join(part for part in parts if part)
        lam = answers.get("lambda")
        return f"{said or 'defaults'}{f', λ {lam}' if lam else ''}"
