"""The scripts at the table: their success, and the noisy data."""

import numpy as np
import pytest

import envs
from cds_bench.behaviour.rollout import episode
from cds_bench.behaviour.vision import executed, expert, gripped, lifting, misled, noisy, recipes
from cds_bench.dataset.collect import summary
from envs import BANDS, tabletop, vision

TASKS = sorted(vision.TASKS)
LIFTS = [task for task in TASKS if task.startswith("lift")]


@pytest.fixture(scope="module")
def made():
    found = {task: envs.make(task) for task in TASKS}
    yield found
    for env in found.values():
        env.close()


@pytest.fixture
def blind(monkeypatch):
    """Draws no pictures: scripts don't need them, and an episode takes a third of the time."""
    picture = np.zeros((48, 48, 3), np.uint8)
    monkeypatch.setattr(tabletop.Tabletop, "_observation", lambda self: picture)


def episodes(env, behaviour, count, first=0):
    seeds = range(first, first + count)
    return [episode(env, behaviour, np.random.default_rng(seed)) for seed in seeds]


def succeeded(parts) -> float:
    return float(np.mean([part["rewards"].max() for part in parts]))


@pytest.mark.usefixtures("blind")
@pytest.mark.parametrize("task", TASKS)
def test_the_script_solves_its_task(made, task):
    parts = episodes(made[task], expert(task), 8)
    assert succeeded(parts) >= 0.9
    assert max(len(part["rewards"]) for part in parts) < 0.8 * vision.TASKS[task].horizon, (
        "the script is done well before the horizon"
    )


@pytest.mark.usefixtures("blind")
def test_the_success_rate_of_noisy_data_passes_the_gate(made):
    """This holds for lift tasks and for a place task, whose episodes lift many objects."""
    low, high = BANDS["noisy"]
    lifts = [
        part
        for first, task in enumerate(LIFTS)
        for part in episodes(made[task], noisy(task), 8, first=8 * first)
    ]
    assert low < succeeded(lifts) < high
    places = episodes(made["place-bowl"], noisy("place-bowl"), 90)
    assert low < succeeded(places) < high
    lifted = np.array([[vision.TASKS[t].reward(part).max() for t in LIFTS] for part in places])
    assert lifted.any(1).mean() > 0.3
    assert lifted.any(0).sum() >= 5, "at least five of the seven objects are lifted"


@pytest.mark.parametrize("task", ["lift-carrot", "place-divider-plate"])
@pytest.mark.parametrize("behaviour", [expert, noisy])
def test_actions_are_bounded_and_depend_only_on_the_generator(made, behaviour, task):
    """Actions are float32 in [-1, 1]. The same seed repeats an episode; another one does not."""
    runs = [
        episode(made[task], behaviour(task), np.random.default_rng(seed), limit=6)
        for seed in (0, 0, 1)
    ]
    assert runs[0]["actions"].dtype == np.float32
    assert np.abs(runs[0]["actions"]).max() <= 1
    for key in runs[0]:
        np.testing.assert_array_equal(runs[0][key], runs[1][key], err_msg=key)
    assert (runs[0]["actions"] != runs[2]["actions"]).any()
    assert runs[0]["observations"].dtype == np.uint8


@pytest.mark.usefixtures("blind")
def test_a_misled_script_misses(made):
    """It closes beside the object, at the distance by which it is misled."""
    made["lift-can"].reset(seed=0)
    world = made["lift-can"].unwrapped
    script = misled(lifting("can"), np.array([0.0, 0.06]))
    for _ in range(12):
        *_, info = made["lift-can"].step(executed(script(world.state)))
        assert info["can_height"] < vision.LIFTED
    gap = world.state["hand"] - world.state["can"]
    assert abs(gap[1] - 0.06) < 0.02


@pytest.mark.usefixtures("blind")
def test_failed_attempts_are_given_up(made):
    """Most of them end long before the horizon, for every task, and count as failures."""
    parts = episodes(made["lift-can"], noisy("lift-can"), 40)
    failed = [part for part in parts if not part["rewards"].any()]
    given_up = [part for part in failed if part["infos/given_up"][-1]]
    assert len(given_up) > 0.5 * len(failed)
    for part in given_up:
        assert len(part["rewards"]) < vision.TASKS["lift-can"].horizon
        assert not part["infos/given_up"][:-1].any()
        for task in TASKS:
            assert vision.TASKS[task].terminal(part)[-1]
            assert not vision.TASKS[task].reward(part)[-1]
    assert not any(part["infos/given_up"].any() for part in parts if part["rewards"].any())
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    assert summary(columns, vision.TASKS["lift-can"])["mean_score"] == succeeded(parts)


@pytest.mark.usefixtures("blind")
def test_no_attempt_is_given_up_while_it_releases_an_object(made):
    """The hand may release it so low that it no longer counts as raised."""
    env, given_up = made["place-bowl"], 0
    for seed in range(60):
        env.reset(seed=seed)
        rng = np.random.default_rng(seed)
        act, ended = noisy("place-bowl").begin(rng), False
        while not ended:
            state = env.unwrapped.state
            action = act(state, rng)
            if action is None:
                given_up += 1
                assert not gripped(state)
                break
            _, _, terminated, truncated, _ = env.step(action)
            ended = terminated or truncated
    assert given_up


@pytest.mark.parametrize("quality", ["noisy", "expert"])
def test_recipes_name_their_noise(quality):
    (recipe,) = recipes(None, "lift-milk", quality)
    assert recipe.about == {
        "policy": "script",
        "noise": [0.05, 0.1, 0.2] if quality == "noisy" else 0.0,
    }
    assert recipe.behaviour.privileged
