"""What is produced: an entry per table or figure; Snakefile, command line and page read it here.

A new table is one entry here and the function that it names, which returns a `making.Made`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cds_bench import jobs
from cds_bench.config import Config
from cds_bench.report import sources
from cds_bench.storage import paths

SUITE, PROFILE = "suite", "profile"  # scopes
TABLE = ("csv", "md", "tex", "html", "json")  # the page shows the record in json
FIGURE = ("png", "svg")
# The keys of the configuration that most products depend on.
RESULTS = ("suites", "algorithms", "sharing", "seeds", "seeds_per_job", "protocol", "baselines")
# And what the scores are checked against before anything is computed from them.
CHECKED = (*RESULTS, "training.steps", "domains")


def _always(config: Config, suite: str) -> bool:
    return True


@dataclass(frozen=True)
class Product:
    """A table, a figure, or both under one name.

    target: the name of its rule, without the suite; one job makes all products of a target.
    name: what follows the suite in the names of its files; "" is the suite's table of scores.
    scope: SUITE or PROFILE.
    maker: "module:function" in cds_bench.report. The function takes the configuration, for SUITE
        also the suite, and with `each_algorithm` also the algorithm.
    caption: what the report page says below it.
    inputs: the files that it reads, as a function of the configuration and the suite (or "").
    table, figure: the extensions of its files.
    keys: the configuration that it depends on; {suite}, and {learner}, the profile's first
        algorithm, are filled in.
    applies, needs: whether a profile or suite has it, and in words what it takes.
    each_algorithm: whether there is one for each algorithm.
    data: whether the page shows it among the datasets, not among the results.
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


PRODUCTS = (
    Product(
        target="table",
        name="",
        scope=SUITE,
        maker="tables:scores",
        caption="Scores per task and method: mean over training seeds of the normalised score "
        "(0 = random policy, 100 = the task's expert behaviour policy) or of the success rate, "
        "with a bootstrap interval. The table's own caption says n and what bold means.",
        inputs=sources.tabled,
        table=TABLE,
    ),
    Product(
        target="table",
        name="comparisons",
        scope=SUITE,
        maker="tables:comparisons",
        caption="Every method against the reference method, and external baselines against the "
        "method that their heading names: paired difference over seeds with its interval, exact "
        "permutation p, Holm-corrected within a task, and effect size.",
        inputs=sources.compared,
        table=TABLE,
    ),
    Product(
        target="table",
        name="oracle",
        scope=SUITE,
        maker="oracle_table:oracle",
        caption="What a perfect selection would gain: the oracle, the other references and "
        "sharing everything against no sharing, paired by seed, with the interval and the exact "
        "permutation p of each difference.",
        inputs=sources.scores,
        table=TABLE,
        applies=lambda config, suite: bool(config.references),
        needs="references among the strategies",
    ),
    Product(
        target="figures",
        name="learning_curves",
        scope=SUITE,
        maker="figures:curves",
        caption="Normalised score or success rate over training, a panel per task: mean over "
        "training seeds with its bootstrap interval.",
        inputs=sources.scores,
        figure=FIGURE,
    ),
    Product(
        target="figures",
        name="aggregates",
        scope=SUITE,
        maker="figures:averages",
        caption="Mean and interquartile mean over tasks and training seeds, with bootstrap "
        "intervals.",
        inputs=sources.scores,
        figure=FIGURE,
    ),
    Product(
        target="figures",
        name="profiles",
        scope=SUITE,
        maker="figures:performance_profiles",
        caption="Performance profiles: the share of runs (tasks x training seeds) above each "
        "score, with stratified bootstrap bands.",
        inputs=sources.scores,
        figure=FIGURE,
    ),
    Product(
        target="figures",
        name="sharing",
        scope=SUITE,
        maker="heatmaps:routes",
        caption="Who shares with whom over training: the mean weight of each source task's "
        "transitions for each target task, and the share that they make up of the target's "
        "effective data.",
        inputs=jobs.suite_metrics,
        figure=FIGURE,
        each_algorithm=True,
    ),
    Product(
        target="selection",
        name="selection",
        scope=SUITE,
        maker="selection_table:selection",
        caption="Whether a strategy selects what pays: the weights of the candidates from other "
        "tasks beside their return-to-go under the target's reward. An AUC of 0.5 is chance, and "
        "1 gives every candidate of the top quarter a higher weight than any other.",
        inputs=jobs.suite_metrics,
        table=TABLE,
        figure=FIGURE,
    ),
    Product(
        target="coverage",
        name="coverage",
        scope=SUITE,
        maker="coverage:covered",
        caption="What each dataset covers: how many of its transitions end where, and how much "
        "reward they bring once relabelled for each task.",
        inputs=jobs.suite_datasets,
        table=("csv",),
        figure=FIGURE,
        keys=("suites.{suite}",),
        data=True,
        reads_world=True,
    ),
    Product(
        target="headroom",
        name="headroom",
        scope=SUITE,
        maker="headroom_table:room",
        caption="What other tasks' data are worth to each task before anything is trained: the "
        "share of their transitions whose return-to-go under the task's reward lies above the mean "
        "and above the 90th percentile of the task's own data. Where every share is 0, sharing has "
        "nothing to offer but coverage.",
        inputs=sources.pool,
        table=TABLE,
        figure=FIGURE,
        keys=("suites.{suite}", "algorithms.{learner}"),
        applies=lambda config, suite: len(jobs.suite_tasks(suite)) > 1,
        needs="a suite of several tasks",
        data=True,
    ),
    Product(
        target="table_ranks",
        name="ranks",
        scope=PROFILE,
        maker="ranks_table:average_ranks",
        caption="Average rank of each method over the tasks of all suites, with Friedman's test "
        "and Nemenyi's critical difference.",
        inputs=sources.scores,
        table=TABLE,
        figure=FIGURE,
    ),
    Product(
        target="table_shift",
        name="distribution_shift",
        scope=PROFILE,
        maker="shift_table:distribution_shift",
        caption="How far each policy moved from the data that it was trained on (KL divergence, "
        "nats), by how much its critic overestimates it, and its score: means over training seeds "
        "with bootstrap intervals.",
        inputs=sources.moved,
        table=TABLE,
        figure=FIGURE,
        keys=(*RESULTS, "training.shift_steps"),
    ),
    Product(
        target="table_claims",
        name="claims",
        scope=PROFILE,
        maker="claims_table:tested",
        caption="The paper's claims 1 to 5, the test that decides each, and the verdict at this "
        "number of seeds.",
        inputs=sources.claims,
        table=TABLE,
    ),
    Product(
        target="table_regime",
        name="regime",
        scope=PROFILE,
        maker="regime_table:conditions",
        caption="Whether the runs are long enough to judge strategies by: five conditions on each "
        "algorithm without sharing, each met, not met, or without data.",
        inputs=sources.judged,
        table=TABLE,
        keys=(*RESULTS, "training", "domains"),
    ),
    Product(
        target="paper_table_main",
        name="paper_table_main",
        scope=PROFILE,
        maker="paper:main",
        caption="Every suite's scores in one table, as a paper prints them: rows are tasks and "
        "averages, columns methods.",
        inputs=sources.summaries,
        table=TABLE,
    ),
    Product(
        target="paper_table_shift",
        name="paper_table_shift",
        scope=PROFILE,
        maker="paper:shift",
        caption="Distribution shift beside the score, over the quality of the data.",
        inputs=sources.moved_by_quality,
        table=TABLE,
        keys=(*RESULTS, "training.shift_steps"),
        applies=lambda config, suite: bool(jobs.by_quality(config)),
        needs="suites of the same tasks with data of several qualities (profile shift)",
    ),
    Product(
        target="paper_figure_routing",
        name="paper_figure_routing",
        scope=PROFILE,
        maker="routing:routing",
        caption="Which task's data each task was trained on at the end of training, for every "
        "strategy of the profile's first algorithm.",
        inputs=sources.all_metrics,
        table=TABLE,
        figure=FIGURE,
    ),
)
