"""A program with little in it against the whole of it, on random linear programs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from optimizer.solver.certificates import verify_optimal
from optimizer.solver.linear_program import LinearProgram
from optimizer.solver.restricted_program import RestrictedProgram
from optimizer.solver.session import Answer, Session, SolverOptions, Status

N, M, BLOCKS = 30, 25, 12


def program(seed: int) -> tuple[LinearProgram, np.ndarray, np.ndarray, np.ndarray]:
    """max sum(theta) - costs with bounded x, rows over x and thetas; (program, cuts (2 * BLOCKS, n), their bounds, theta columns)."""
    rng = np.random.default_rng(seed)
    n = N + BLOCKS
    recourse = np.arange(N, n)
    cost = np.concatenate([rng.uniform(-1.0, 3.0, N), -rng.uniform(0.5, 1.5, BLOCKS)])
    rows = rng.normal(size=(M, n)) * (rng.random((M, n)) < 0.3)
    rows[:, N:] *= rng.random((M, BLOCKS)) < 0.2
    lp = LinearProgram(
        cost=cost,
        offset=1.5,
        matrix=sparse.csc_array(rows),
        row_lower=np.where(rng.random(M) < 0.3, -8.0, -np.inf),
        row_upper=np.full(M, 6.0),
        col_lower=np.concatenate([np.zeros(N), np.full(BLOCKS, -np.inf)]),
        col_upper=np.concatenate([rng.uniform(1.0, 5.0, N), np.full(BLOCKS, np.inf)]),
    )
    cuts = np.zeros((2 * BLOCKS, n))
    for k in range(2 * BLOCKS):
        cuts[k, :N] = -rng.uniform(0.0, 1.0, N) * (rng.random(N) < 0.2)
        cuts[k, N + k % BLOCKS] = rng.uniform(0.5, 2.0)
    return lp, cuts, rng.uniform(1.0, 4.0, 2 * BLOCKS), recourse


def brought_in(restricted: RestrictedProgram) -> tuple[Answer, np.ndarray, bool]:
    """(last answer, rows and columns that came in, whether none is wanted any more)."""
    came = np.zeros(2, dtype=int)
    while True:
        answer = restricted.solve()
        wanted = restricted.add_delayed(answer) if answer.status is Status.OPTIMAL else (0, 0)
        came += wanted
        if not sum(wanted):
            return answer, came, answer.status is Status.OPTIMAL


@pytest.mark.parametrize("seed", range(40))
def test_ends_at_the_optimum_of_the_whole_with_a_basis_for_it(seed: int) -> None:
    lp, cuts, upper, recourse = program(seed)
    none = np.full(len(upper), -np.inf)
    session = Session()
    session.load(lp)
    session.add_rows(none, upper, sparse.csr_array(cuts))
    whole = session.solve()

    late, held = np.flatnonzero(np.arange(M) % 2 == 0), np.flatnonzero(np.arange(N) % 3 == 0)
    restricted = RestrictedProgram(lp, SolverOptions(), recourse, late, held)
    restricted.add_rows(none[:BLOCKS], upper[:BLOCKS], sparse.csr_array(cuts[:BLOCKS]))
    restricted.solve()
    restricted.add_rows(none[BLOCKS:], upper[BLOCKS:], sparse.csr_array(cuts[BLOCKS:]))  # some after the first solve
    answer, _, ended = brought_in(restricted)
    if whole.status is not Status.OPTIMAL:
        # with fewer columns there may be no plan, and with fewer rows no end; never an optimum that is not one
        assert answer.status is not Status.OPTIMAL or not verify_optimal(session.lp, answer.x, answer.y).verified
        return
    if not ended:
        return
    assert answer.objective == pytest.approx(whole.objective, rel=1e-9, abs=1e-9)
    assert verify_optimal(session.lp, answer.x, answer.y).verified
    again = Session()
    again.load(lp)
    again.add_rows(none, upper, sparse.csr_array(cuts))
    again.set_basis(restricted.basis())
    found = again.solve()
    assert found.iterations == 0 and found.objective == pytest.approx(whole.objective, rel=1e-9, abs=1e-9)


def test_most_random_programs_come_to_an_end_and_rows_and_columns_do_come_in() -> None:
    """So that the test above is not one that cannot fail."""
    ended, came = 0, np.zeros(2, dtype=int)
    for seed in range(40):
        lp, cuts, upper, recourse = program(seed)
        restricted = RestrictedProgram(lp, SolverOptions(), recourse, np.arange(0, M, 2), np.arange(0, N, 3))
        restricted.add_rows(np.full(len(upper), -np.inf), upper, sparse.csr_array(cuts))
        _, more, end = brought_in(restricted)
        ended, came = ended + end, came + more
    assert ended >= 20 and (came > 0).all(), (ended, came)


def test_a_theta_with_bounds_keeps_its_row() -> None:
    lp, cuts, upper, recourse = program(1)
    lp.col_lower[recourse[0]] = -50.0
    restricted = RestrictedProgram(lp, SolverOptions(), recourse, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    restricted.add_rows(np.full(len(upper), -np.inf), upper, sparse.csr_array(cuts))
    answer = restricted.solve()
    session = Session()
    session.load(restricted.lp)
    assert answer.objective == pytest.approx(session.solve().objective, rel=1e-9)
    assert restricted.add_delayed(answer) == (0, 0)
