"""A whole profile and what follows from it, such as its methods, tasks and groups of seeds."""

import hashlib
import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

import envs
from cds_bench.config import plugins
from cds_bench.config.sections import (
    BEHAVIOUR_TRAINING,
    MOST_SEEDS,
    BehaviourTraining,
    Datasets,
    Domain,
    Protocol,
    Section,
    Seeds,
    Suite,
    Training,
)
from cds_bench.errors import BenchError

LONGEST_PATH = 200  # of the results folder; the names of files inside it need room too
PART = r"\.?[A-Za-z0-9_][A-Za-z0-9._-]*"  # a part of it; no shell or rule expands it


class Config(Section):
    """A profile."""

    profile: str = Field("default", pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=64)
    results: str = Field(
        "results",
        description="outputs lie in <results>/<profile>/; relative to the project, or absolute",
    )
    behaviour: Literal["frozen", "train"] = "frozen"
    behaviour_training: dict[str, Annotated[BehaviourTraining, Field(discriminator="learner")]] = (
        Field(BEHAVIOUR_TRAINING, description="policy -> the settings of its training")
    )
    suite_folders: tuple[str, ...] = Field(
        (), description="folders with a suite.py; those in suites/ are found by the suite's name"
    )
    suites: dict[str, Suite] = Field({}, description="name -> sizes")
    datasets: Datasets = Datasets()
    algorithms: dict[str, dict[str, Any]] = Field({}, description="name -> options")
    sharing: dict[str, dict[str, Any]] = Field({}, description="name -> options")
    domains: dict[str, Domain] = Field({}, description="domain -> settings that differ in it")
    baselines: dict[str, dict[str, Any]] = Field(
        {}, description="external baseline -> options, which only it reads"
    )
    seeds: Seeds = 3
    seeds_per_job: Literal["auto"] | Seeds = Field(
        "auto",
        description="seeds trained together in one job; auto chooses once for a results folder",
    )
    training: Training = Training()
    protocol: Protocol = Protocol()
    theory: Literal["none", "tiny", "full"] = Field(
        "none", description="the simulation of the paper's theory on random MDPs"
    )

    @pydantic.field_validator("results", mode="after")
    @classmethod
    def _a_plain_path(cls, results):
        parts = re.sub(r"^\.?/|/$", "", results).split("/")
        if len(results) > LONGEST_PATH or not all(re.fullmatch(PART, part) for part in parts):
            raise ValueError(
                f"expected a path of at most {LONGEST_PATH} characters whose parts consist of "
                "letters, digits, '.', '_' and '-', and are not '..'"
            )
        return results

    @pydantic.field_validator("seeds_per_job", mode="before")
    @classmethod
    def _a_number_or_auto(cls, size):
        whole = isinstance(size, int) and not isinstance(size, bool)
        if size != "auto" and not (whole and 0 < size <= MOST_SEEDS):
            raise ValueError(f"expected 'auto' or a whole number from 1 to {MOST_SEEDS}")
        return size

    @pydantic.field_validator("behaviour_training", mode="before")
    @classmethod
    def _others_keep_theirs(cls, training):
        if not isinstance(training, dict):
            return training
        kept = {name: settings.model_dump() for name, settings in BEHAVIOUR_TRAINING.items()}
        return kept | {name: _over(kept.get(name), values) for name, values in training.items()}

    @pydantic.field_validator("behaviour_training", mode="after")
    @classmethod
    def _only_walkers_leave_the_ground(cls, training):
        walkers = {task.policy for task in envs.TASKS.values() if task.leaves_ground}
        for name, settings in training.items():
            if settings.airborne_bonus and name not in walkers:
                raise ValueError(
                    f"{name}.airborne_bonus: only {', '.join(sorted(walkers))} can tell whether "
                    "they are off the ground; remove it or set it to 0"
                )
        return training

    @property
    def folder(self) -> Path:
        return Path(self.results) / self.profile

    @property
    def seed_groups(self) -> list[tuple[int, int]]:
        """The first and last seed of each group, which one job trains.

        Raises BenchError if the size of a group is still open (`cds_bench.planning.stacking`).
        """
        size = self.seeds_per_job
        if size == "auto":
            raise BenchError("seeds_per_job: is 'auto' here; name the number, and seeds")
        return [(first, first + size - 1) for first in range(0, self.seeds, size)]

    @property
    def protocol_sha256(self) -> str:
        """A hash of the protocol, the number of seeds and the metric of each task."""
        metrics = {task: envs.TASKS[task].metric for task in self.tasks()}
        stated = [self.protocol.model_dump(mode="json"), self.seeds, metrics]
        return hashlib.sha256(json.dumps(stated).encode()).hexdigest()

    @property
    def methods(self) -> list[tuple[str, str]]:
        """The methods trained on every suite, (algorithm, sharing), in the configured order."""
        return [(a, s) for a in self.algorithms for s in self.strategies(a)]

    @property
    def competing(self) -> list[tuple[str, str]]:
        """The methods that are compared, ranked and set in bold: all except references."""
        references = self.references
        return [(a, s) for a, s in self.methods if s not in references]

    @property
    def references(self) -> list[str]:
        """The configured strategies that are references, not methods."""
        return [name for name in self.sharing if plugins.is_reference(self.module("sharing", name))]

    def strategies(self, algorithm: str) -> list[str]:
        """The strategies that an algorithm is trained with. References come last."""
        names = self.algorithms[algorithm].get(plugins.SHARING, self.sharing)
        references = self.references
        ordered = sorted(self.sharing, key=lambda name: name in references)
        return [name for name in ordered if name in names]

    def size(self, suite: str, task: str) -> int:
        """The transitions in a task's dataset: the configured number, or else the paper's."""
        return self.suites[suite].sizes.get(task, envs.SUITES[suite].sources[task].transitions)

    def module(self, kind: str, name: str) -> str:
        """The plug-in behind a configured name of a kind ("algorithms" or "sharing")."""
        return plugins.module_name(name, getattr(self, kind)[name])

    def tasks(self) -> list[str]:
        """Every task of the configured suites, without repeats, in the suites' order."""
        return list(dict.fromkeys(t for suite in self.suites for t in envs.SUITES[suite].tasks))

    def policies(self) -> list[str]:
        """The trained behaviour policies behind the configured suites' data, without repeats."""
        named = (envs.TASKS[task].policy for task in self.tasks())
        return list(dict.fromkeys(policy for policy in named if policy))

    def of(self, suite: str) -> "Config":
        """This configuration with the algorithms and training settings of the suite's domain."""
        domain = self.domains.get(envs.SUITES[suite].domain, Domain())
        algorithms = {
            name: options | domain.algorithms.get(name, {})
            for name, options in self.algorithms.items()
        }
        update = {
            "algorithms": algorithms,
            "training": training_of(self, domain),
            "domains": {},
        }
        return self.model_copy(update=update)


def _over(kept: dict[str, Any] | None, values: Any) -> Any:
    """A policy's settings on top of its defaults, which are dropped if the learner changes."""
    if not isinstance(values, dict):
        return values
    learner = values.get("learner", kept["learner"] if kept else "sac")
    return (kept if kept and kept["learner"] == learner else {"learner": learner}) | values


def training_of(config: Config, domain: Domain) -> Training:
    """The training section with a domain's own settings."""
    return Training.model_validate(config.training.model_dump() | domain.training)
