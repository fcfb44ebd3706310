"""The real d4rl package can read our datasets and gives the same transitions."""

import h5py
import numpy as np
import pytest

from cds_bench.storage import paths


@pytest.fixture(scope="module")
def d4rl():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("D4RL_SUPPRESS_IMPORT_ERROR", "1")
        return pytest.importorskip("d4rl", exc_type=ImportError)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("task", ["run-forward", "run-backward", "jump"])
def test_qlearning_dataset_gives_our_transitions(d4rl, collected, task):
    """d4rl drops timeouts and the last row, and takes the next observation from the next row."""
    with h5py.File(paths.dataset(collected, "walker2d-mixed", task)) as file:
        ours = {key: file[key][()] for key in file if key != "infos"}
    theirs = d4rl.qlearning_dataset(None, dataset=ours)
    kept = ~ours["timeouts"]
    kept[-1] = False
    assert kept.sum() > 0.8 * len(kept)
    for key in ("observations", "actions", "terminals"):
        np.testing.assert_array_equal(theirs[key], ours[key][kept])
    np.testing.assert_array_equal(theirs["rewards"], ours["rewards"][kept].astype(np.float32))
    inside = ~ours["terminals"][kept]
    np.testing.assert_array_equal(
        theirs["next_observations"][inside], ours["next_observations"][kept][inside]
    )


def test_keys_dtypes_and_shapes_are_d4rls(collected):
    with h5py.File(paths.dataset(collected, "walker2d-mixed", "jump")) as file:
        rows = len(file["rewards"])
        assert file["observations"].shape == file["next_observations"].shape == (rows, 17)
        assert file["actions"].shape == (rows, 6)
        for key in ("rewards", "terminals", "timeouts"):
            assert file[key].shape == (rows,)
        assert file["terminals"].dtype == file["timeouts"].dtype == np.bool_
        assert file["observations"].dtype == file["actions"].dtype == np.float32
        assert set(file["infos"]) == {"x_velocity", "height", "pitch"}
