"""What the variants of a suite have in common with the original."""

import pytest

import envs
from envs.specs import FRACTIONS


@pytest.mark.parametrize("name", [n for n in envs.SUITES if n.endswith(tuple(FRACTIONS))])
def test_a_scarce_suite_cuts_every_task_but_one(name):
    """Tasks and qualities stay. One task keeps all its data, the others keep a fraction."""
    base, _, fraction = name.rpartition("-")
    whole, scarce = envs.SUITES[base].sources, envs.SUITES[name].sources
    assert list(scarce) == list(whole)
    assert all(scarce[task].quality == whole[task].quality for task in whole)
    expected = {task: source.transitions // FRACTIONS[fraction] for task, source in whole.items()}
    changed = {t for t in whole if scarce[t].transitions != whole[t].transitions}
    assert len(changed) == len(whole) - 1
    assert all(scarce[task].transitions == expected[task] for task in changed)
