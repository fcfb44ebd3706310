"""A short film of one episode: a random, behaviour, expert or trained policy."""

import os
from pathlib import Path

import imageio
import numpy as np
from PIL import Image

import envs
from cds_bench.behaviour.own import REFERENCE
from cds_bench.behaviour.recipes import recipes
from cds_bench.behaviour.rollout import EPISODE_SCORE, EPISODE_SEEDS, Behaviour
from cds_bench.config import Config
from cds_bench.errors import BenchError, nearest
from cds_bench.evaluation.policy import load_policies
from cds_bench.progress import Progress
from cds_bench.seeding import stream
from cds_bench.storage.files import atomic
from envs.own import OwnSource

QUALITIES = ("random", "behaviour", "expert")
RATE = 10  # frames per second of a film, at most
WIDTH = 300  # and is at most this many pixels wide
STEPS = 30  # per second, if the environment does not say it; Gymnasium's videos assume the same


def film(
    config: Config,
    suite: str,
    task: str,
    policy: str,
    seed: int,
    output: Path | None,
    longest: float = 6.0,
) -> str:
    """Writes a GIF of one episode and returns a line about it.

    `policy` is random, behaviour (the policy behind the task's data in the suite), expert, or the
    folder of a trained run. For a run, the last snapshot of the first seed is shown. An episode of
    more than `longest` seconds is shown in that time. Raises BenchError for unknown names, an
    unreadable run, a format other than GIF, and a machine or an environment that cannot draw.
    """
    if suite not in envs.SUITES:
        raise BenchError(f"unknown suite '{suite}'{nearest(suite, envs.SUITES)}")
    if task not in (tasks := envs.SUITES[suite].tasks):
        raise BenchError(f"{suite}: unknown task '{task}'{nearest(task, tasks)}")
    output = output or Path(f"{suite}_{task}_{Path(policy).name}.gif")
    if output.suffix != ".gif":
        raise BenchError(f"{output}: only GIF is written; end the name in .gif")
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("MUJOCO_GL", "egl")
    env = envs.make(task, render_mode="rgb_array")
    try:
        behaviour = _policy(config, env, suite, task, policy)
        rewards, _ = _episode(env, behaviour, stream("render", task, policy, seed), set())
        frames = min(len(rewards) + 1, round(RATE * longest))
        steps = np.linspace(0, len(rewards), frames).round().astype(int)
        # Its length is now known. The episode is run again, because drawing takes most of the time.
        _, pictures = _episode(env, behaviour, stream("render", task, policy, seed), set(steps))
    finally:
        env.close()
    seconds = min(longest, len(rewards) / (env.metadata.get("render_fps") or STEPS))
    pause = 1e3 * seconds / len(pictures)
    with atomic(output) as temporary:
        imageio.mimwrite(temporary, pictures, format="GIF", duration=pause, loop=0)
    metric = envs.TASKS[task].metric
    score = EPISODE_SCORE[metric].reduce(rewards)
    return f"{output}: {policy} on {task}, {len(rewards)} steps, {metric} {score:.4g}"


def _policy(config: Config, env, suite: str, task: str, policy: str) -> Behaviour:
    """How the named policy acts."""
    if policy in QUALITIES:
        source = envs.SUITES[suite].sources[task]
        # In a suite of your own, the quality is any word: "random" would be the uniform policy.
        behaviour = REFERENCE if isinstance(source, OwnSource) else source.quality
        quality = behaviour if policy == "behaviour" else policy
        return recipes(config, env, quality)[-1].behaviour
    folder = Path(policy)
    if not folder.is_dir():
        raise BenchError(
            f"--policy: '{policy}' is neither one of {', '.join(QUALITIES)} nor the folder of a "
            f"run, like {config.folder}/runs/{suite}/cql/cds/seeds0-2"
        )
    policies = load_policies(folder / "policies.safetensors")
    if task not in policies.tasks:
        raise BenchError(f"{folder}: has no task '{task}'{nearest(task, policies.tasks)}")
    index, seeds = policies.tasks.index(task), len(policies.seeds)

    def act(observation, rng):
        stacked = np.broadcast_to(observation, (seeds, 1, *observation.shape))
        return policies.act(-1, index, stacked)[0, 0]

    return Behaviour(lambda rng: act)


def _episode(
    env, behaviour: Behaviour, rng: np.random.Generator, steps: set[int]
) -> tuple[list[float], list[np.ndarray]]:
    """The rewards of one episode, and its pictures after the given numbers of steps."""
    observation, _ = env.reset(seed=int(rng.integers(EPISODE_SEEDS)))
    act, rewards, ended = behaviour.begin(rng), [], False
    pictures = [_picture(env)] if 0 in steps else []
    with Progress("render", env.unwrapped.task.horizon) as progress:
        while not ended:
            action = act(behaviour.sees(env, observation), rng)
            if action is None:  # it gives up
                break
            observation, reward, terminated, truncated, _ = env.step(action)
            rewards.append(reward)
            ended = terminated or truncated
            if len(rewards) in steps:
                pictures.append(_picture(env))
            progress.update(len(rewards))
    return rewards, pictures


def _picture(env) -> np.ndarray:
    """The environment's picture, reduced in size."""
    try:
        picture = env.render()
    except NotImplementedError:
        picture = None
    except Exception as error:  # each GL backend raises its own exceptions
        raise BenchError(
            f"this machine cannot draw with MUJOCO_GL={os.environ.get('MUJOCO_GL', '')} "
            f"({type(error).__name__}: {error}); try MUJOCO_GL=egl, osmesa or, with a display, glfw"
        ) from error
    if np.shape(picture)[2:] != (3,) or getattr(picture, "dtype", None) != np.uint8:
        raise BenchError(
            f"the environment of '{env.unwrapped.task.name}' has no mode `rgb_array`, so there is "
            "no film: with render_mode='rgb_array', its render() must return a picture, uint8 "
            "[height, width, 3]; if a function makes it, the function must pass `render_mode` on"
        )
    return np.asarray(Image.fromarray(picture).reduce(-(-picture.shape[1] // WIDTH)))
