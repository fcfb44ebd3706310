"""A checkpoint with a flipped bit, or of another structure, is never resumed from."""

import hashlib
import io

import numpy as np
import pytest
import torch

from cds_bench.training import checkpoint

MARK = {"pool": "ab"}


def content(step: int) -> dict:
    generator = torch.Generator().manual_seed(step)
    learner = {"critic.w0": torch.randn(4, 32, 32, generator=generator)}
    return {"step": step, "learner": learner, "started": "now"}


def loaded(folder):
    found = checkpoint.load(folder, MARK)
    return found and found["step"]


def test_what_is_saved_is_loaded(tmp_path):
    checkpoint.save(tmp_path, MARK, content(5))
    found = checkpoint.load(tmp_path, MARK)
    assert torch.equal(found["learner"]["critic.w0"], content(5)["learner"]["critic.w0"])
    assert found.keys() == content(5).keys()


def test_any_flipped_bit_falls_back_to_the_checkpoint_before(tmp_path, capsys):
    for step in (5, 10):
        checkpoint.save(tmp_path, MARK, content(step))
    newest = tmp_path / f"{10:012}.pt"
    whole = newest.read_bytes()
    for place in np.random.default_rng(0).integers(len(whole), size=40):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << (place % 8)
        newest.write_bytes(damaged)
        assert loaded(tmp_path) == 5, place
        assert f"{newest}: not readable (its content is not what was saved); it is ignored" in (
            capsys.readouterr().err
        )
    newest.write_bytes(whole)
    assert loaded(tmp_path) == 10


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        ([1, 2], "it holds no training state"),
        ({"mark": MARK}, "it holds no training state"),
        ({"mark": MARK, "content": [1]}, "it holds no training state"),
        ({"mark": [], "content": content(10)}, "it holds no training state"),
        ({"mark": MARK, "content": content(9)}, "it is of step 9, not of its name's"),
        ({"mark": MARK, "content": {}}, "it is of step None, not of its name's"),
    ],
)
def test_another_structure_falls_back_too(tmp_path, capsys, saved, message):
    checkpoint.save(tmp_path, MARK, content(5))
    buffer = io.BytesIO()
    torch.save(saved, buffer)
    digest = hashlib.sha256(buffer.getvalue()).digest()
    (tmp_path / f"{10:012}.pt").write_bytes(digest + buffer.getvalue())
    assert loaded(tmp_path) == 5
    assert message in capsys.readouterr().err


def test_a_file_for_those_who_watch_never_ends_training(tmp_path, monkeypatch):
    """A full disk, or a folder in its place: the checkpoints go on."""
    monkeypatch.setattr(checkpoint, "SECONDS_BETWEEN_PROGRESS", 0.0)
    (tmp_path / "progress").mkdir()
    with checkpoint.Keeper(tmp_path / "saved", MARK, tmp_path / "progress", 0.0) as keeper:
        keeper.after_step(5, False, lambda: content(5), lambda: {"step": 5})
    assert loaded(tmp_path / "saved") == 5


def test_a_folder_an_empty_file_and_a_loop_in_its_place(tmp_path, capsys):
    checkpoint.save(tmp_path, MARK, content(5))
    (tmp_path / f"{10:012}.pt").mkdir()
    (tmp_path / f"{11:012}.pt").write_bytes(b"")
    (tmp_path / f"{12:012}.pt").symlink_to(f"{12:012}.pt")
    assert loaded(tmp_path) == 5
    assert capsys.readouterr().err.count("it is ignored") == 3
