"""Words that were replaced by the field's own do not come back as names in the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TREES = ("models", "optimizer", "wattfolio")

#: name that must not come back -> what it is called
REPLACED = {
    "Attempt": "RepairResult",
    "Bench": "InfeasibilityAnalyser",
    "bench": "analyser",
    "bent": "infeasibility",
    "collide": "deletion_filter",
    "Conflict": "IIS",
    "CoupledOracle": "CoupledSubproblem",
    "dodged": "violated",
    "Ground": "Evaluator or StatementContext",
    "law": "disjunctions (disjunctive, where it is yes or no)",
    "LAW_FAMILIES": "UNSTATED_FAMILIES",
    "LAW_PENALTY": "UNSTATED_PENALTY",
    "lawful": "disjunctive",
    "Lean": "RestrictedProgram",
    "lean": "restricted",
    "lean_session": "restricted_session",
    "let_go": "relaxed",
    "Lever": "AdjustableParameter",
    "lever": "parameter",
    "levers": "parameters",
    "make_oracle": "make_subproblem",
    "MAX_WITHOUT_NEAREST": "MAX_WITHOUT_INCUMBENT",
    "MIN_PILOT_SCENARIOS": "MIN_SUBSET_SCENARIOS",
    "Mixture": "ConvexCombination",
    "mixture": "combination",
    "mixtures": "combinations",
    "obeyed": "satisfied",
    "Oracle": "Subproblem",
    "oracle": "subproblem",
    "Pilot": "SubsetStart",
    "pilot": "scenario_subset_start",
    "PILOT_SHARE": "SUBSET_SHARE",
    "Plan": "MasterProblem",
    "plenty": "big_m",
    "preferences": "lexicographic_objectives",
    "price_in": "generate_columns",
    "Realised": "InnerApproximation",
    "Remembered": "SolutionCache",
    "REMEMBERED_SPLITS": "REMEMBERED_SOLUTIONS",
    "scout": "subset",
    "Seed": "ExportedBasis",
    "sentence_levers": "sentence_parameters",
    "settle": "search",
    "Settled": "BranchResult",
    "site_oracle": "site_subproblem",
    "SiteSeed": "ExportedCuts",
    "Slide": "MonotoneFigure",
    "solve_many": "solve_jobs",
    "Split": "RecourseSolution",
    "Stated": "Requirement",
    "Theta": "RecourseValues",
    "theta": "recourse",
    "tighten": "cutting_plane_loop",
    "Trial": "ElasticProgram",
    "trial": "elastic",
    "under_law": "with_disjunctions",
    "Weighed": "FarkasMultiplier",
}


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, name) of everything that has a name: variables, attributes, parameters, keywords, functions, classes, imports."""
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name", "asname"):
            name = getattr(node, field, None)
            if isinstance(name, str):
                yield getattr(node, "lineno", 0), name.rpartition(".")[2]


def replaced(tree: ast.AST) -> list[str]:
    return [f"line {line}: {name} is called {REPLACED[name]}" for line, name in names(tree) if name in REPLACED]


def test_no_name_is_a_word_that_was_replaced() -> None:
    found = [
        f"{path.relative_to(ROOT)} {one}"
        for folder in TREES
        for path in sorted((ROOT / folder).rglob("*.py"))
        for one in replaced(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def test_a_planted_word_is_found_wherever_a_name_can_stand() -> None:
    planted = (
        "from models.hours import oracle",
        "def f(theta): pass",
        "x.mixtures",
        "class Bench: pass",
        "f(let_go=1)",
        "lean = 1",
        "import a as pilot",
        "def collide(): pass",
    )
    assert [len(replaced(ast.parse(text))) for text in planted] == [1] * len(planted)
    assert replaced(ast.parse("subproblem = x.recourse")) == []
