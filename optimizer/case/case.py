"""A case: read, patched, validated, checked; every mistake at once, each at its place.

YAML -> tree of nodes -> variant and settings -> one validated model per scenario -> checks -> Problem
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from models.spelling import did_you_mean
from optimizer.brief import Rows, as_html, as_text
from optimizer.case import brief
from optimizer.case.arrays.frame import Frame, timeline_of
from optimizer.case.arrays.problem import build
from optimizer.case.checks.everything import check
from optimizer.case.checks.notes import case_notes
from optimizer.case.checks.plausible import Doubt, doubts
from optimizer.case.checks.rules import find_rules
from optimizer.case.generated import Generated, drawn_setting, expanded, is_generated, read_generate, without_scenarios
from optimizer.case.patch import Target, scale_path, set_path
from optimizer.case.reading import yaml_tree
from optimizer.case.reading.case_files import Files
from optimizer.case.reading.diagnostics import CaseError, Mistakes, Place
from optimizer.case.reading.dotted_paths import item_at, key_at, split_path
from optimizer.case.reading.timeline import DateError, Timeline
from optimizer.case.reading.yaml_tree import Node
from optimizer.case.schema.case_model import CaseModel, Variant
from optimizer.case.schema.field_types import Reading
from optimizer.case.validate import Entry, validate

if TYPE_CHECKING:
    from models.problem import Problem
    from optimizer.engine.solution import Solution, Solved

SETTINGS = "--set"  # the file that mistakes in settings are shown in; setting n is its line n


@dataclass(frozen=True, eq=False)
class Case:
    """A valid case. `model` is the resolved case of the first scenario; `files` are those it reads, with their sha256."""

    name: str
    path: Path
    digest: str
    files: dict[str, str]
    variants: dict[str, str]  # name -> what it is for
    variant: str | None
    horizon_note: str
    notes: tuple[str, ...]  # what was filled in or moved in the data, and what the case may not mean
    model: CaseModel
    frame: Frame = field(repr=False)
    _problem: Problem = field(repr=False)
    tree: Node | None = field(default=None, repr=False)  # with the variant and the settings in it
    settings: tuple[str, ...] = ()
    generated: Generated | None = field(default=None, repr=False)  # what its scenarios stand for, where they were drawn

    @classmethod
    def load(
        cls,
        path: str | Path,
        variant: str | None = None,
        settings: Iterable[str] = (),
        changes: Mapping[str, str] | None = None,
    ) -> Case:
        """Read a case, with a variant and then `settings` ("path=value") applied. `changes` are settings as a mapping.

        Raises CaseError with every mistake that could be told.
        """
        wanted = [*settings, *(f"{where}={value}" for where, value in (changes or {}).items())]
        return _Loading(Path(path)).run(variant, wanted)

    def further(self, settings: Iterable[str]) -> Case:
        """The same file and variant with more settings on top. Raises CaseError as `load`."""
        return Case.load(self.path, self.variant, [*self.settings, *settings])

    def problem(self) -> Problem:
        """The case in plain arrays."""
        return self._problem

    def with_problem(self, problem: Problem) -> Case:
        """The same case with other arrays: what a solve has found out about its data, such as a share price that follows the plan."""
        return replace(self, _problem=problem)

    def place(self, path: str) -> Place | None:
        """Where the case states the value at a path such as `financing.notes.limit` or `rules[2]`: the nearest place above it that it has."""
        node = self.tree
        place = None if node is None else node.place
        parts, at = split_path(path), 0
        while node is not None and at < len(parts):
            if node.kind == "list":
                number, at = item_at(node, parts, at) or (None, at + 1)
                below = None if number is None else node[number]
                place = place if below is None else below.place
            else:
                key, at = key_at(node, parts, at, path)
                below = node.get(key)
                place = place if below is None else node.key_place(key)
            node = below
        return place

    def doubts(self) -> tuple[Doubt, ...]:
        """What is valid and looks like a slip, and is not named in `case.meant`."""
        return doubts(self._problem, self.tree)

    def solve(self, **options: Any) -> Solution:
        """Solve and prove; options as of `optimizer.engine.solve.solve_warm`."""
        from optimizer.engine.solve import solve

        return solve(self, **options)

    def solve_warm(self, **options: Any) -> Solved:
        """As `solve`, with the program left warm beside the solution: for prices, accounts, rules of thumb."""
        from optimizer.engine.solve import solve_warm

        return solve_warm(self, **options)

    def __repr__(self) -> str:
        return as_text(*self._in_brief())

    def _repr_html_(self) -> str:
        return as_html(*self._in_brief())

    def _in_brief(self) -> tuple[str, Rows]:
        others = {"variants": self.variants, "settings": self.settings, "notes": self.notes}
        return brief.title(self.name, self.variant), brief.rows(self.path, self._problem, self.horizon_note, others)


#: variants of files that were found to be without a mistake, by the tree of the file: each of them is loaded by itself, and none needs
#: to look at all the others again
_TRIED: WeakKeyDictionary[Node, dict[str, Variant]] = WeakKeyDictionary()


class _Loading:
    """One load: the mistakes found on the way."""

    def __init__(self, path: Path):
        self.path = path
        self.mistakes = Mistakes()
        self.files = Files(path.parent)
        self.reading = Reading(self.files, self.mistakes)
        self.lines: dict[str, list[str]] = {}  # of the sources, where they were asked for

    def run(self, variant: str | None, settings: list[str]) -> Case:
        tree, text = yaml_tree.read(self.path)
        self.mistakes.sources[str(self.path)] = text
        settings = [" ".join(one.splitlines()) for one in settings]  # a setting is one line
        if settings:
            self.mistakes.sources[SETTINGS] = "\n".join(settings)
        original = tree
        tree = self.vary(tree, variant)
        late = [drawn_setting(one) for one in settings] if is_generated(tree) else [False] * len(settings)
        tree = self.set_all(tree, settings, [not one for one in late])
        tried = _TRIED.get(original)
        drawn = is_generated(tree)
        shown = without_scenarios(tree) if drawn else tree
        base, lost = validate(shown, self.reading, None if tried is None else {"variants": tried})
        if base is None:
            self.mistakes.raise_if_any()
            raise AssertionError("a case that cannot be read has mistakes")
        timeline = None if ("horizon",) in lost else self.timeline(tree, base)
        generated = None
        if drawn:
            tree, base, generated = self.generate(
                tree, base, timeline, lost, original, lambda one: self.set_all(one, settings, late)
            )
        if tried is None:
            before = len(self.mistakes)
            self.try_variants(original)
            if not lost and len(self.mistakes) == before:
                _TRIED[original] = base.variants
        models, unread = self.by_scenario(tree, base, lost)
        frame = Frame(models, timeline) if timeline is not None else None
        check(tree, base, frame, lost | unread, self.mistakes)
        self.mistakes.raise_if_any()
        assert frame is not None
        name = base.case.name or self.path.stem
        problem = build(frame, name, find_rules(tree, base, timeline), self.mistakes, lambda where: array_place(tree, where))
        self.mistakes.raise_if_any()
        return Case(
            name=name,
            path=self.path,
            digest=digest(tree, self.files.digests),
            files=dict(sorted(self.files.digests.items())),
            variants={key: one.describe for key, one in base.variants.items()},
            variant=variant,
            horizon_note=horizon_note(frame),
            notes=(*data_notes(models), *case_notes(problem, tree)),
            model=base,
            frame=frame,
            _problem=problem,
            tree=tree,
            settings=tuple(settings),
            generated=generated,
        )

    def generate(
        self,
        tree: Node,
        base: CaseModel,
        timeline: Timeline | None,
        lost: frozenset[Entry],
        original: Node,
        set_late: Callable[[Node], Node],
    ) -> tuple[Node, CaseModel, Generated | None]:
        """The tree and the model with the scenarios that `generate` asks for; without any where something is wrong, which is told.

        Trial plans are those of the file as it is written, so that its variants, and what is set, meet the same futures. set_late: settings of
        the explicit scenarios.
        """
        given = read_generate(tree, self.reading)
        plain = without_scenarios(tree)
        if given is None or timeline is None or lost:
            return plain, base, None
        written = None
        if tree is not original and is_generated(original):
            written, _ = validate(without_scenarios(original), Reading(self.files, Mistakes()))
        found = expanded(tree, base, given, timeline, written or base, self.reading)
        if found is None:
            return plain, base, None
        explicit, generated = set_late(found[0]), found[1]
        fresh = ("scenarios", "information", "market")
        known = {key: getattr(base, key) if key in CaseModel.model_fields else None for key in explicit.value if key not in fresh}
        again, _ = validate(explicit, self.reading, known)
        if again is None:
            self.mistakes.raise_if_any()
            raise AssertionError("what was drawn can be read")
        return explicit, again, generated

    def vary(self, tree: Node, variant: str | None) -> Node:
        """The tree with a variant's patch."""
        if variant is None:
            return tree
        known = tree.get("variants")
        chosen = known.get(variant) if known is not None else None
        if chosen is None:
            names = list(known.value) if known is not None and known.kind == "map" else []
            place = tree.key_place("variants") if names else tree.place
            hint = did_you_mean(variant, names, "its variants are") if names else "the case has no variants"
            self.mistakes.add(place, "variants", f'there is no variant "{variant}"', hint)
            return tree
        return self.patch(tree, chosen, f"variants.{variant}.set", data_only=False)

    def patch(self, tree: Node, holder: Node, where: str, data_only: bool, mistakes: Mistakes | None = None) -> Node:
        """The tree with every path of a holder's `set`."""
        mistakes = self.mistakes if mistakes is None else mistakes
        given = holder.get("set")
        if given is None or given.kind != "map":
            return tree  # told by validation
        for path, value in given.value.items():
            target = Target(path, given.key_place(path), f"{where}.{path}", self.is_quoted(given.key_place(path)))
            tree = set_path(tree, target, value, mistakes, data_only)
        return tree

    def is_quoted(self, place: Place) -> bool:
        if place.file not in self.lines:
            self.lines[place.file] = self.mistakes.sources.get(place.file, "").splitlines()
        lines = self.lines[place.file]
        return place.line <= len(lines) and lines[place.line - 1][place.column - 1 : place.column] in ("'", '"')

    def set_all(self, tree: Node, settings: list[str], chosen: list[bool]) -> Node:
        """The tree with those settings that are chosen."""
        for number, setting in enumerate(settings, start=1):
            if not chosen[number - 1]:
                continue
            path, equals, value = setting.partition("=")
            place = Place(SETTINGS, number, len(path) - len(path.lstrip()) + 1)
            if not equals or not path.strip():
                self.mistakes.add(place, "", f'"{setting}" is not path=value', 'write financing.notes.limit="0 USD"')
                continue
            try:
                # Lines and blanks before the value put it at its own place.
                blank = "\n" * (number - 1) + " " * (len(path) + 1)
                node = yaml_tree.load(blank + value, SETTINGS) if value.strip() else Node("null", None, place)
            except CaseError as error:
                for one in error.mistakes:
                    # The parser tells what is missing at the end in the line after it.
                    at = one.place if one.place.line <= number else Place(SETTINGS, number, len(setting) + 1)
                    self.mistakes.add(at, path.strip(), one.message, one.hint)
                continue
            tree = set_path(tree, Target(path.strip(), place, path.strip()), node, self.mistakes)
        return tree

    def timeline(self, tree: Node, base: CaseModel) -> Timeline | None:
        given = [key for key in ("months", "quarters", "years", "end") if getattr(base.horizon, key) is not None]
        node = tree["horizon"]
        if len(given) != 1:
            what = f"has {' and '.join(given)}" if given else "has no length"
            self.mistakes.add(tree.key_place("horizon"), "horizon", what, "give one of: months, quarters, years, end")
            return None
        try:
            return timeline_of(base.horizon)
        except DateError as problem:
            at = "start" if base.horizon.start.day != 1 else given[0]
            self.mistakes.add(node[at].place, f"horizon.{at}", str(problem))
            return None

    def try_variants(self, tree: Node) -> None:
        """A path of a variant that leads nowhere is a mistake, chosen or not."""
        variants = tree.get("variants")
        if variants is None or variants.kind != "map":
            return
        for name, holder in variants.value.items():
            self.patch(tree, holder, f"variants.{name}.set", data_only=False)

    def by_scenario(self, tree: Node, base: CaseModel, lost: frozenset[Entry]) -> tuple[tuple[CaseModel, ...], frozenset[Entry]]:
        """One model per scenario: `set` patches the tree, whose changed sections are validated again; `scale` the model.

        Second: the scenarios whose patch could not be read, as ("scenarios", name); their model is the case's.
        """
        out = []
        unread: set[Entry] = set()
        scenarios = tree.get("scenarios")
        for name, scenario in base.scenarios.items():
            assert scenarios is not None
            holder = scenarios[name]
            model = base
            before = len(self.mistakes)
            patched = self.patch(tree, holder, f"scenarios.{name}.set", data_only=True)
            if patched is not tree and len(self.mistakes) == before:
                same = [key for key in patched.value if key in tree.value and patched[key] is tree[key]]
                known = {key: getattr(base, key) if key in CaseModel.model_fields else None for key in same}
                known["scenarios"] = base.scenarios
                again, bad = validate(patched, self.reading, known)
                model = again if again is not None and not bad else base
            if (model is base and patched is not tree) or len(self.mistakes) > before:
                unread.add(("scenarios", name))
            scale = holder.get("scale")
            for path, factor in scenario.scale.items():
                assert scale is not None
                place = scale.key_place(path)
                target = Target(path, place, f"scenarios.{name}.scale.{path}", self.is_quoted(place))
                model = scale_path(model, target, factor, self.mistakes, tree, lost)
            out.append(model)
        return tuple(out) or (base,), frozenset(unread)


def digest(tree: Node, files: Mapping[str, str]) -> str:
    """sha256 over the resolved case, without its variants, and every file it reads."""
    plain = {key: node.plain() for key, node in tree.value.items() if key != "variants"}
    content = json.dumps([plain, sorted(files.items())], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(content.encode("ascii")).hexdigest()


#: the problem's parts, and the sections of a case that they come from
SECTIONS = {
    "services": "ai", "debts": "financing", "equities": "financing", "overhead": "company", "energy_budget": "limits",
    "emission_cap": "limits",
}  # fmt: skip


def array_place(tree: Node, where: str) -> Place:
    """The place of the section, and if it has one the name, that an array of the problem comes from."""
    node, place = tree, tree.place
    first, *rest = where.split(".")
    for part in [SECTIONS.get(first, first), *rest]:
        if node.kind != "map" or part not in node.value:
            break
        node, place = node[part], node.key_place(part)
    return place


def horizon_note(frame: Frame) -> str:
    """One sentence on how hours are used."""
    clock = frame.clock
    total = round(float(clock.hours.sum()))
    if not frame.base.sites:
        return "There is no site: no hours are used."
    kept = sum(len(one) for one in clock.hour_index)
    if frame.base.horizon.hours == 1:
        return f"All {total} hours of the horizon are kept; hourly data repeat by calendar."
    charged = sum(int(frame.charged[hours].sum()) for hours in clock.hour_index)
    also = f", and each of the {charged} hours with a peak charge or demand response" if charged else ""
    return f"Of {total} hours {kept} are kept: one in {frame.base.horizon.hours}, weighted up to the hours of its period{also}."


def data_notes(models: tuple[CaseModel, ...]) -> tuple[str, ...]:
    """What readers of hourly data filled in or moved."""
    out: dict[str, None] = {}
    for model in models:
        for name, site in model.sites.items():
            if site.power.grid is not None:
                for note in site.power.grid.price.notes:
                    out[f"sites.{name}.power.grid.price: {note}"] = None
    return tuple(out)
