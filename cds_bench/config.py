"""The typed configuration: one source of keys, defaults and checks.

A profile is one YAML file and the whole command. Rules pass a part of it, as JSON, with the keys
that their stage uses; the keys left out keep their defaults and are not read.
"""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import pydantic
import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, TypeAdapter

import envs
from cds_bench import plugins
from cds_bench.errors import BenchError, nearest


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PolicyTraining(Section):
    """What both learners of behaviour policies have."""

    environments: PositiveInt = 8
    gamma: float = Field(0.99, gt=0, lt=1)
    alive_bonus: float = Field(1.0, description="reward of each step, added in training only")
    airborne_bonus: float = Field(0.0, description="likewise, of each step off the ground")
    episodes: PositiveInt = Field(10, description="episodes behind a snapshot's return")
    seed: int = 0


class PPOTraining(PolicyTraining):
    """How PPO trains a behaviour policy (used where `behaviour: train`)."""

    learner: Literal["ppo"] = "ppo"
    steps: PositiveInt = 2_000_000
    snapshots: PositiveInt = Field(24, description="policies kept, evenly over training")
    hidden: PositiveInt = Field(64, description="width of both layers")
    log_std: float = Field(0.0, description="of the policy's noise at the start")
    rollout: PositiveInt = Field(4096, description="steps between updates, over all environments")
    batch_size: PositiveInt = 128
    learning_rate: PositiveFloat = 3e-4


class SACTraining(PolicyTraining):
    """How SAC trains a behaviour policy, D4RL's learner (used where `behaviour: train`)."""

    learner: Literal["sac"] = "sac"
    steps: PositiveInt = 800_000
    snapshots: PositiveInt = Field(40, description="policies kept, evenly over training")
    hidden: PositiveInt = Field(64, description="width of both layers of the policy")
    critic: PositiveInt = Field(256, description="width of both layers of the critics")
    updates: PositiveInt = Field(2, description="gradient steps per step of all environments")
    random_steps: PositiveInt = Field(10_000, description="first steps, with uniform actions")
    batch_size: PositiveInt = 128
    learning_rate: PositiveFloat = 7e-4


BehaviourTraining = PPOTraining | SACTraining
LEARNERS = {"ppo": PPOTraining, "sac": SACTraining}
BEHAVIOUR_TRAINING = dict.fromkeys(envs.POLICIES, SACTraining()) | {
    "jump": PPOTraining(steps=3_500_000, airborne_bonus=1.5),
    "ant-reach": PPOTraining(steps=6_000_000, snapshots=2, hidden=128, log_std=-1.0),
}


class Suite(Section):
    """A suite's sizes: transitions per task; tasks not named take the paper's size."""

    sizes: dict[str, PositiveInt] = {}


# Bands of the mean normalised score: of a return 0 is random and 1 expert; of success the rate.
BANDS = {
    "random": (-0.05, 0.05),
    "medium-replay": (-0.05, 0.3),
    "medium": (0.15, 0.6),
    "expert": (0.7, 1.3),
    "overlap": (-1.0, 0.5),  # two fifths of it do something else
    "undirected": (0.03, 1.0),  # of a large maze's seven goals an ant reaches one or two
    "directed": (0.3, 1.0),
    "wide": (0.2, 0.6),
    "demonstrations": (0.95, 1.0),
    "noisy": (0.3, 0.6),
}


class Datasets(Section):
    """The quality gate of the datasets, and the scores that normalise."""

    bands: dict[str, tuple[float, float]] = Field(
        BANDS, description="quality -> band of its mean normalised score"
    )
    reference_episodes: PositiveInt = Field(50, description="episodes behind each reference score")

    @pydantic.field_validator("bands", mode="after")
    @classmethod
    def _others_keep_theirs(cls, bands):
        return BANDS | bands


# Multiples of what a vector kernel takes at once: a seed's bytes then do not depend on the seeds
# that it is stacked with.
Lanes = Annotated[int, Field(gt=0, multiple_of=32)]


class Training(Section):
    """The training loop, whatever the algorithm and the sharing strategy."""

    steps: PositiveInt = 500_000
    batch_size: Lanes = Field(256, description="transitions per task and step")
    hidden: tuple[Lanes, ...] = (256, 256, 256)
    layer_norm: bool = Field(False, description="whether the critics' hidden layers normalise")
    learning_rate_decay: Literal["none", "cosine"] = Field(
        "none", description="how all learning rates change: not at all, or along half a cosine to 0"
    )
    log_points: PositiveInt = Field(100, description="rows of metrics, evenly over training")
    shift_steps: PositiveInt = Field(
        2000, description="of fitting the behaviour that a policy's shift is measured from"
    )
    threads: PositiveInt = 1
    device: Literal["auto", "cpu", "cuda"] = "auto"


class Protocol(Section):
    """What is evaluated and how it is compared; its hash stands under every table."""

    curve_snapshots: PositiveInt = Field(10, description="evenly over training, for the curves")
    final_snapshots: PositiveInt = Field(5, description="over the last tenth, for the headline")
    curve_episodes: PositiveInt = 5
    final_episodes: PositiveInt = 10
    reference: str = Field("cds", description="the strategy that the others are compared with")
    confidence: float = Field(0.95, gt=0, lt=1)
    resamples: PositiveInt = Field(10_000, description="bootstrap resamples")
    correction: Literal["holm", "bonferroni"] = Field("holm", description="for many tests")
    margin: float = Field(
        0.05, ge=0, description="by which a method may be below another and be comparable"
    )


class Domain(Section):
    """What a domain's suites have otherwise: over `algorithms` and `training`, key by key."""

    algorithms: dict[str, dict[str, Any]] = {}
    training: dict[str, Any] = {}


def _over(kept: dict[str, Any] | None, values: Any) -> Any:
    """A policy's settings over the kept ones of the same learner; another learner starts afresh."""
    if not isinstance(values, dict):
        return values
    learner = values.get("learner", kept["learner"] if kept else "sac")
    return (kept if kept and kept["learner"] == learner else {"learner": learner}) | values


class Config(Section):
    """A profile."""

    profile: str = Field("default", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    results: str = Field("results", description="outputs lie in <results>/<profile>/")
    behaviour: Literal["frozen", "train"] = "frozen"
    behaviour_training: dict[str, Annotated[BehaviourTraining, Field(discriminator="learner")]] = (
        Field(BEHAVIOUR_TRAINING, description="policy -> how it is trained")
    )
    suites: dict[str, Suite] = {}
    datasets: Datasets = Datasets()
    algorithms: dict[str, dict[str, Any]] = Field({}, description="name -> options")
    sharing: dict[str, dict[str, Any]] = Field({}, description="name -> options")
    domains: dict[str, Domain] = Field({}, description="domain -> what differs there")
    baselines: dict[str, dict[str, Any]] = Field(
        {}, description="external baseline -> options, which it reads itself"
    )
    seeds: PositiveInt = 3
    seeds_per_job: PositiveInt = Field(3, description="seeds trained together in one job")
    training: Training = Training()
    protocol: Protocol = Protocol()

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
        walkers = {task.policy for task in envs.TASKS.values() if task.domain == "locomotion"}
        for name, settings in training.items():
            if settings.airborne_bonus and name not in walkers:
                raise ValueError(
                    f"{name}.airborne_bonus: only {', '.join(sorted(walkers))} know whether they "
                    "are off the ground; remove it or set it to 0"
                )
        return training

    @property
    def folder(self) -> Path:
        return Path(self.results) / self.profile

    @property
    def seed_groups(self) -> list[tuple[int, int]]:
        """First and last seed of each job's group."""
        size = self.seeds_per_job
        return [(first, first + size - 1) for first in range(0, self.seeds, size)]

    @property
    def protocol_sha256(self) -> str:
        """A hash of what scores and comparisons rest on: the protocol, seeds, metrics."""
        metrics = {task: envs.TASKS[task].metric for task in self.tasks()}
        stated = [self.protocol.model_dump(mode="json"), self.seeds, metrics]
        return hashlib.sha256(json.dumps(stated).encode()).hexdigest()

    @property
    def methods(self) -> list[tuple[str, str]]:
        """What is trained on every suite: (algorithm, sharing), in the configuration's order."""
        return [(a, s) for a in self.algorithms for s in self.strategies(a)]

    @property
    def competing(self) -> list[tuple[str, str]]:
        """The methods without the references: what is compared, ranked and set in bold."""
        references = self.references
        return [(a, s) for a, s in self.methods if s not in references]

    @property
    def references(self) -> list[str]:
        """The configured strategies that are references and no methods."""
        return [name for name in self.sharing if plugins.is_reference(self.module("sharing", name))]

    def strategies(self, algorithm: str) -> list[str]:
        """The strategies that an algorithm is trained with: the methods, then the references."""
        names = self.algorithms[algorithm].get(plugins.SHARING, self.sharing)
        references = self.references
        ordered = sorted(self.sharing, key=lambda name: name in references)
        return [name for name in ordered if name in names]

    def size(self, suite: str, task: str) -> int:
        """Transitions of a task's dataset: the configured size, else the paper's."""
        return self.suites[suite].sizes.get(task, envs.SUITES[suite].sources[task].transitions)

    def module(self, kind: str, name: str) -> str:
        """The plug-in behind a configured name of a kind ("algorithms" or "sharing")."""
        return plugins.module_name(name, getattr(self, kind)[name])

    def tasks(self) -> list[str]:
        """Every task of the configured suites, once, in the suites' order."""
        return list(dict.fromkeys(t for suite in self.suites for t in envs.SUITES[suite].tasks))

    def policies(self) -> list[str]:
        """Every trained behaviour policy behind the configured suites' data, once."""
        named = (envs.TASKS[task].policy for task in self.tasks())
        return list(dict.fromkeys(policy for policy in named if policy))

    def of(self, suite: str) -> "Config":
        """This configuration with what its domain has otherwise: algorithms and training."""
        domain = self.domains.get(envs.SUITES[suite].domain, Domain())
        algorithms = {
            name: options | domain.algorithms.get(name, {})
            for name, options in self.algorithms.items()
        }
        update = {
            "algorithms": algorithms,
            "training": _training(self, domain),
            "domains": {},
        }
        return self.model_copy(update=update)


def parse(values: dict[str, Any], origin: str) -> Config:
    """Checks a configuration. Raises BenchError naming origin, key, and what was expected."""
    values = {
        key: {name: options or {} for name, options in value.items()}
        if key in ("suites", "algorithms", "sharing", "baselines") and isinstance(value, dict)
        else value
        for key, value in values.items()
    }
    try:
        config = Config.model_validate(values)
    except pydantic.ValidationError as error:
        raise _refusal(error, f"{origin}: ") from None
    try:
        _check_names(config)
    except BenchError as error:
        raise BenchError(f"{origin}: {error}") from None
    return config


def _check_names(config: Config) -> None:
    for name, suite in config.suites.items():
        if name not in envs.SUITES:
            raise BenchError(f"suites: unknown name '{name}'{nearest(name, envs.SUITES)}")
        for task in suite.sizes:
            if task not in (tasks := envs.SUITES[name].tasks):
                raise BenchError(
                    f"suites.{name}.sizes: unknown task '{task}'{nearest(task, tasks)}"
                )
    for kind in ("algorithms", "sharing"):
        for name, options in getattr(config, kind).items():
            plugins.check(kind, name, options)
    for name, options in config.algorithms.items():
        if plugins.SHARING in options:
            plugins.check_strategies(name, options[plugins.SHARING], config.sharing)
    for name in config.baselines:
        plugins.check_baseline(name)
    for quality in config.datasets.bands:
        if quality not in BANDS:
            raise BenchError(
                f"datasets.bands: unknown quality '{quality}'{nearest(quality, BANDS)}"
            )
    for policy in config.behaviour_training:
        if policy not in envs.POLICIES:
            raise BenchError(
                f"behaviour_training: unknown policy '{policy}'{nearest(policy, envs.POLICIES)}"
            )
    for name in config.domains:
        if name not in envs.DOMAINS:
            raise BenchError(f"domains: unknown name '{name}'{nearest(name, envs.DOMAINS)}")
        _check_domain(config, name)
    if config.seeds % config.seeds_per_job:
        raise BenchError(
            f"seeds: {config.seeds} is not a multiple of seeds_per_job ({config.seeds_per_job}); "
            "whole groups keep what is trained already when seeds are added"
        )


def _training(config: Config, domain: Domain) -> Training:
    """The training section with what a domain has otherwise."""
    return Training.model_validate(config.training.model_dump() | domain.training)


def _check_domain(config: Config, name: str) -> None:
    domain = config.domains[name]
    for algorithm, options in domain.algorithms.items():
        if algorithm not in config.algorithms:
            raise BenchError(
                f"domains.{name}.algorithms: '{algorithm}' is not among the configured algorithms"
                f"{nearest(algorithm, config.algorithms)}"
            )
        if plugins.SHARING in options:
            raise BenchError(
                f"domains.{name}.algorithms.{algorithm}: the key '{plugins.SHARING}' can't differ "
                f"by domain; set algorithms.{algorithm}.{plugins.SHARING}"
            )
        plugins.check("algorithms", algorithm, options)
    for key in domain.training:
        if key not in Training.model_fields:
            raise BenchError(
                f"domains.{name}.training: unknown key '{key}'{nearest(key, Training.model_fields)}"
            )
    try:
        _training(config, domain)
    except pydantic.ValidationError as error:
        raise _refusal(error, f"domains.{name}.training.") from None


def _refusal(error: pydantic.ValidationError, prefix: str) -> BenchError:
    """Everything that pydantic found, a line each."""
    return BenchError("\n".join(prefix + _explain(problem) for problem in error.errors()))


def _explain(problem: dict) -> str:
    """One pydantic error as a sentence; unknown keys name the nearest valid one."""
    # A learner's name among the parts only says which section pydantic chose.
    *parents, key = [part for part in problem["loc"] if part not in LEARNERS] or [""]
    where = ".".join(map(str, (*parents, key)))
    if problem["type"] != "extra_forbidden":
        return f"{where}: {problem['msg']} (got {problem['input']!r})"
    model: Any = Config
    for parent in parents:
        by_name = get_origin(model) is dict  # name -> section
        model = get_args(model)[1] if by_name else model.model_fields[parent].annotation
    if get_origin(model) is Annotated:
        model = next(LEARNERS[part] for part in problem["loc"] if part in LEARNERS)
    prefix = ".".join(map(str, parents))
    prefix = f"{prefix}: " if prefix else ""
    return f"{prefix}unknown key '{key}'{nearest(str(key), model.model_fields)}"


def load(source: Path | str) -> Config:
    """A configuration from a YAML file's path, or from a JSON object as rules pass it."""
    if str(source).lstrip().startswith("{"):
        try:
            return parse(json.loads(source), "--config")
        except json.JSONDecodeError as error:
            raise BenchError(f"--config: not valid JSON ({error})") from None
    try:
        values = yaml.safe_load(Path(source).read_text())
    except FileNotFoundError:
        raise BenchError(f"{source}: no such configuration; see workflow/config/") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"{source}: not readable ({error})") from None
    except yaml.YAMLError as error:
        raise BenchError(f"{source}: not valid YAML ({error})") from None
    if not isinstance(values, dict):
        raise BenchError(f"{source}: not a profile: keys and values are expected at its top level")
    return complete(parse(values, str(source)), str(source))


def complete(config: Config, origin: str) -> Config:
    """Checks what a whole profile must name: suites, algorithms, sharing, and the reference.

    The reference must be a method, and every strategy one that some algorithm is trained with.
    """
    for key in ("suites", "algorithms", "sharing"):
        if not getattr(config, key):
            raise BenchError(f"{origin}: {key}: name at least one")
    if config.protocol.reference not in config.sharing:
        raise BenchError(
            f"{origin}: protocol.reference: '{config.protocol.reference}' is not among the "
            f"configured sharing strategies{nearest(config.protocol.reference, config.sharing)}"
        )
    if config.protocol.reference in config.references:
        raise BenchError(
            f"{origin}: protocol.reference: '{config.protocol.reference}' is a reference and no "
            "method; name a strategy that competes"
        )
    trained = {sharing for _, sharing in config.methods}
    if unused := [name for name in config.sharing if name not in trained]:
        raise BenchError(
            f"{origin}: sharing.{unused[0]}: no algorithm is trained with it; remove it, or add it "
            f"to an algorithm's list '{plugins.SHARING}'"
        )
    return config


def options(kind: str, name: str, values: dict[str, Any]):
    """A plug-in's `Config` from its configured options, types checked."""
    module = plugins.load(kind, plugins.module_name(name, values))
    values = {k: v for k, v in plugins.own_options(values).items() if k != plugins.USE}
    try:
        return TypeAdapter(module.Config).validate_python(values)
    except pydantic.ValidationError as error:
        raise _refusal(error, f"{kind}.{name}.") from None


def part(config: Config, *keys: str) -> str:
    """The named keys of a configuration as JSON: what one rule passes to its job.

    A dotted key picks one entry: part(config, "protocol.curve_episodes", "algorithms.cql"). An
    algorithm's entry is without the strategies that it is trained with: each job is told its own.
    """
    values = config.model_dump(mode="json")
    picked: dict[str, Any] = {"profile": config.profile, "results": config.results}
    for key in keys:
        section, _, entry = key.partition(".")
        if entry:
            value = values[section][entry]
            value = plugins.own_options(value) if section == "algorithms" else value
            picked.setdefault(section, {})[entry] = value
        else:
            picked[section] = values[section]
    return json.dumps(picked)
