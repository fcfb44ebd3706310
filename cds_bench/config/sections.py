"""The sections of a profile: keys, types and defaults."""

from typing import Annotated, Any, Literal

import pydantic
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

import envs

# The upper bounds are far above any sensible value. A typing mistake then gives an error, not an
# endless run.
Count = Annotated[int, Field(gt=0, le=10_000)]
Many = Annotated[int, Field(gt=0, le=10**9)]
MOST_SEEDS = 1000
Seeds = Annotated[int, Field(gt=0, le=MOST_SEEDS)]
Width = Annotated[int, Field(gt=0, le=16_384)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PolicyTraining(Section):
    """The settings that both learners of behaviour policies share."""

    environments: Count = 8
    gamma: float = Field(0.99, gt=0, lt=1)
    alive_bonus: float = Field(1.0, description="reward added to each step, in training only")
    airborne_bonus: float = Field(0.0, description="likewise, added to each step off the ground")
    episodes: Count = Field(10, description="episodes that a snapshot's return is averaged over")
    seed: int = 0


class PPOTraining(PolicyTraining):
    """How PPO trains a behaviour policy (used if `behaviour: train`)."""

    learner: Literal["ppo"] = "ppo"
    steps: Many = 2_000_000
    snapshots: Count = Field(24, description="policies kept, evenly over training")
    hidden: Width = Field(64, description="width of both layers")
    log_std: float = Field(0.0, description="initial value for the policy's noise")
    rollout: Many = Field(4096, description="steps between updates, over all environments")
    batch_size: Width = 128
    learning_rate: PositiveFloat = 3e-4


class SACTraining(PolicyTraining):
    """How SAC, D4RL's learner, trains a behaviour policy (used if `behaviour: train`)."""

    learner: Literal["sac"] = "sac"
    steps: Many = 800_000
    snapshots: Count = Field(40, description="policies kept, evenly over training")
    hidden: Width = Field(64, description="width of both layers of the policy")
    critic: Width = Field(256, description="width of both layers of the critics")
    updates: Count = Field(2, description="gradient steps per step of all environments")
    random_steps: Many = Field(10_000, description="steps with uniform actions at the start")
    batch_size: Width = 128
    learning_rate: PositiveFloat = 7e-4


BehaviourTraining = PPOTraining | SACTraining
LEARNERS = {"ppo": PPOTraining, "sac": SACTraining}
BEHAVIOUR_TRAINING = {
    policy: LEARNERS[settings.get("learner", "sac")](**settings)
    for policy, settings in envs.POLICIES.items()
}


class Suite(Section):
    """The transitions per task of a suite. Tasks that are not named have the paper's size."""

    sizes: dict[str, Many] = {}


class Datasets(Section):
    """The quality gate of the datasets, and the episodes behind reference scores."""

    bands: dict[str, tuple[float, float]] = Field(
        envs.BANDS, description="quality -> band for the mean normalised score"
    )
    reference_episodes: Count = Field(50, description="episodes behind each reference score")

    @pydantic.field_validator("bands", mode="after")
    @classmethod
    def _others_keep_theirs(cls, bands):
        for quality, (low, high) in bands.items():
            if low > high:
                raise ValueError(
                    f"{quality}: the band {low:g} to {high:g} is reversed; put the lower end first"
                )
        return envs.BANDS | bands


# Multiples of the values that a vector kernel processes at once. A seed's results then do not
# depend on the seeds that it is stacked with, down to the last bit.
Lanes = Annotated[int, Field(gt=0, le=16_384, multiple_of=32)]


class Training(Section):
    """The training loop. These settings hold for every algorithm and sharing strategy."""

    steps: Many = 500_000
    batch_size: Lanes = Field(256, description="transitions per task and step")
    hidden: Annotated[tuple[Lanes, ...], Field(min_length=1, max_length=16)] = (256, 256, 256)
    layer_norm: bool = Field(False, description="whether the critics' hidden layers are normalised")
    learning_rate_decay: Literal["none", "cosine"] = Field(
        "none", description="learning rates stay constant, or fall to 0 along half a cosine"
    )
    augmentation: Literal["none", "shift"] = Field(
        "shift", description="of pictures: random shifts by up to 4 pixels (DrQ), or none"
    )
    log_points: Annotated[int, Field(gt=0, le=100_000)] = Field(
        100, description="points at which metrics are logged, spread evenly over training"
    )
    shift_steps: Many = Field(
        2000, description="steps for fitting the behaviour model that shift is measured from"
    )
    threads: Count = 1
    device: Literal["auto", "cpu", "cuda"] = "auto"


class Protocol(Section):
    """What is evaluated and how it is compared. Every table shows the hash of the protocol."""

    curve_snapshots: Count = Field(10, description="snapshots for the curves, evenly over training")
    final_snapshots: Count = Field(5, description="snapshots for the headline, in the last tenth")
    curve_episodes: Count = 5
    final_episodes: Count = 10
    reference: str = Field("cds", description="the strategy that the others are compared with")
    confidence: float = Field(0.95, gt=0, lt=1)
    resamples: Annotated[int, Field(gt=0, le=1_000_000)] = Field(
        10_000, description="bootstrap resamples"
    )
    correction: Literal["holm", "bonferroni"] = Field("holm", description="for multiple tests")
    margin: float = Field(
        0.05, ge=0, le=10, description="how far below another a comparable method may be"
    )


class Domain(Section):
    """Settings of one domain. They replace those of `algorithms` and `training` key by key."""

    algorithms: dict[str, dict[str, Any]] = {}
    training: dict[str, Any] = {}
