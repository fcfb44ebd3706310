"""The GPUs of this machine: they are asked for only where there is a driver."""

import pytest

from cds_bench.planning import gpus


@pytest.fixture
def devices(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "DEVICES", tmp_path)
    monkeypatch.setattr(gpus, "ASK", "print(8000); print(6000)")
    return tmp_path


def test_without_a_driver_torch_is_not_asked(devices):
    (devices / "nvidiactl").touch()
    assert gpus.memory() == []


@pytest.mark.parametrize("name", ["nvidia0", "nvidia12", "dxg"])
def test_with_a_driver_torch_is_asked_in_another_process(devices, name):
    (devices / name).touch()
    assert gpus.memory() == [8000, 6000]


def test_a_torch_that_fails_finds_no_gpu(devices, monkeypatch):
    (devices / "nvidia0").touch()
    monkeypatch.setattr(gpus, "ASK", "raise SystemExit(3)")
    assert gpus.memory() == []
    monkeypatch.setattr(gpus, "ASK", "import time; time.sleep(60)")
    monkeypatch.setattr(gpus, "LONGEST", 0.5)
    assert gpus.memory() == []


def test_the_question_is_one_that_torch_answers(devices, monkeypatch):
    """Here torch finds no GPU, or says how much memory each has."""
    monkeypatch.undo()
    monkeypatch.setattr(gpus, "driver", lambda: True)
    assert all(size > 10**8 for size in gpus.memory())
