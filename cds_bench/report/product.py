"""The description of a product, which is a table or a figure, with its inputs and files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cds_bench.config import Config
from cds_bench.storage import paths

SUITE, PROFILE = "suite", "profile"  # scopes
TABLE = ("csv", "md", "tex", "html", "json")  # the page reads the json
FIGURE = ("png", "svg")
# The keys of the configuration that most products depend on.
RESULTS = ("suites", "algorithms", "sharing", "seeds", "seeds_per_job", "protocol", "baselines")
# The same, and the keys that scores are checked against before they are used.
CHECKED = (*RESULTS, "training.steps", "domains")


def _always(config: Config, suite: str) -> bool:
    return True


@dataclass(frozen=True)
class Product:
    """A table, a figure, or both under one name.

    target: the name of its rule without the suite. One job makes all products of a target.
    name: the part of its file names after the suite. The suite's table of scores has "".
    scope: SUITE or PROFILE.
    maker: "module:function" in cds_bench.report. The function takes the configuration, then the
        suite if the scope is SUITE, and the algorithm if `each_algorithm` is true.
    caption: the caption on the report page.
    inputs: the files that it reads, as a function of the configuration and the suite (or "").
    table, figure: the extensions of its files.
    keys: the configuration that it depends on. {suite} and {learner}, the profile's first
        algorithm, are filled in.
    applies: whether a profile or suite has this product.
    needs: the requirement behind `applies`, in words.
    each_algorithm: whether there is one for each algorithm.
    data: whether the page shows it with the datasets instead of the results.
    reads_world: whether it runs code of the suite's domain.
    """

    target: str
    name: str
    scope: str
    maker: str
    caption: str
    inputs: Callable[[Config, str], list[str]]
    table: tuple[str, ...] = ()
    figure: tuple[str, ...] = ()
    keys: tuple[str, ...] = RESULTS
    applies: Callable[[Config, str], bool] = _always
    needs: str = ""
    each_algorithm: bool = False
    data: bool = False
    reads_world: bool = False

    @property
    def module(self) -> str:
        return f"cds_bench.report.{self.maker.partition(':')[0]}"

    @property
    def function(self) -> str:
        return self.maker.partition(":")[2]

    def names(self, config: Config) -> list[str]:
        """The name of its files: one, or one for each algorithm."""
        if not self.each_algorithm:
            return [self.name]
        return [f"{algorithm}_{self.name}" for algorithm in config.algorithms]

    def tables(self, config: Config, suite: str) -> list[Path]:
        return [
            paths.table(config, name, extension, suite)
            for name in self.names(config)
            for extension in self.table
        ]

    def figures(self, config: Config, suite: str) -> list[Path]:
        return [
            paths.figure(config, name, extension, suite)
            for name in self.names(config)
            for extension in self.figure
        ]

    def files(self, config: Config, suite: str) -> list[Path]:
        return self.tables(config, suite) + self.figures(config, suite)
