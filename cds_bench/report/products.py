"""The registry of products: one entry per table or figure.

The Snakefile, the command line and the report page read it. A new table needs one entry here and
the function that the entry names, which returns a `making.Made`.
"""

from cds_bench import jobs
from cds_bench.report import sources
from cds_bench.report.product import FIGURE, PROFILE, RESULTS, SUITE, TABLE, Product

PRODUCTS = (
    Product(
        target="table",
        name="",
        scope=SUITE,
        maker="tables:scores",
        caption="Cells are means over training seeds of the normalised score (0 = random policy, "
        "100 = the task's expert behaviour policy) or of the success rate, with a Student-t "
        "interval. The explanation below the table says what bold means.",
        inputs=sources.tabled,
        table=TABLE,
    ),
    Product(
        target="table",
        name="comparisons",
        scope=SUITE,
        maker="tables:comparisons",
        caption="Every method is compared with the reference method, and external baselines with "
        "the method that their heading names. Columns give the paired difference over seeds with "
        "its interval, the exact permutation p, corrected within a task, and the effect size.",
        inputs=sources.compared,
        table=TABLE,
    ),
    Product(
        target="table",
        name="oracle",
        scope=SUITE,
        maker="oracle_table:oracle",
        caption="To show what a perfect selection would gain, the oracle, the other references and "
        "sharing everything are compared with no sharing, paired by seed. Each difference comes "
        "with its interval and exact permutation p.",
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
        caption="Each panel shows a task's normalised score or success rate over training. Lines "
        "are means over training seeds with Student-t intervals, and dots are the seeds.",
        inputs=sources.scores,
        figure=FIGURE,
    ),
    Product(
        target="figures",
        name="aggregates",
        scope=SUITE,
        maker="figures:averages",
        caption="The panels show the mean and the interquartile mean over tasks and training "
        "seeds, with Student-t and stratified bootstrap intervals. Small dots are the seeds.",
        inputs=sources.scores,
        figure=FIGURE,
    ),
    Product(
        target="figures",
        name="profiles",
        scope=SUITE,
        maker="figures:performance_profiles",
        caption="A performance profile is the share of a method's runs (tasks x training seeds) "
        "above each score. Bands are stratified bootstrap intervals.",
        inputs=sources.scores,
        figure=FIGURE,
    ),
    Product(
        target="figures",
        name="improvement",
        scope=SUITE,
        maker="improvement_figure:improvement",
        caption="The figure shows the probability that a run of the method on the left scores "
        "higher than one of the method on the right, averaged over tasks. Bars are stratified "
        "bootstrap intervals.",
        inputs=sources.compared,
        figure=FIGURE,
    ),
    Product(
        target="figures",
        name="sharing",
        scope=SUITE,
        maker="heatmaps:routes",
        caption="The panels show who shares with whom over training. A cell is the mean weight of "
        "a source task's transitions for a target task, or their share of the target's effective "
        "data.",
        inputs=jobs.suite_metrics,
        figure=FIGURE,
        each_algorithm=True,
    ),
    Product(
        target="selection",
        name="selection",
        scope=SUITE,
        maker="selection_table:selection",
        caption="To show whether a strategy selects useful data, the weights of the candidates "
        "from other tasks are compared with their return-to-go under the target's reward. An AUC "
        "of 0.5 is chance; at 1, every candidate in the top quarter has a higher weight than any "
        "other candidate.",
        inputs=jobs.suite_metrics,
        table=TABLE,
        figure=FIGURE,
    ),
    Product(
        target="coverage",
        name="coverage",
        scope=SUITE,
        maker="coverage:covered",
        caption="Each panel shows where the transitions of one dataset end. The numbers below it "
        "are the reward that they bring when they are relabelled for each task.",
        inputs=jobs.suite_datasets,
        table=("csv",),
        figure=FIGURE,
        keys=("suites.{suite}",),
        data=True,
        reads_world=True,
    ),
    Product(
        target="samples",
        name="samples",
        scope=SUITE,
        maker="samples:frames",
        caption="Each row shows what policies see over the first successful episode of a dataset.",
        inputs=jobs.suite_datasets,
        figure=FIGURE,
        keys=("suites.{suite}",),
        applies=lambda config, suite: jobs.seen_as_pictures(suite),
        needs="a suite whose observations are pictures",
        data=True,
        reads_world=True,
    ),
    Product(
        target="headroom",
        name="headroom",
        scope=SUITE,
        maker="headroom_table:room",
        caption="The numbers are the shares of other tasks' transitions whose return-to-go under a "
        "task's reward is above the mean, or above the 90th percentile, of the task's own data. If "
        "all of them are 0, sharing offers nothing but coverage.",
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
        caption="Ranks are averages over the tasks of all suites. A test that exchanges methods "
        "within seeds gives the critical difference.",
        inputs=sources.scores,
        table=TABLE,
        figure=FIGURE,
    ),
    Product(
        target="table_shift",
        name="distribution_shift",
        scope=PROFILE,
        maker="shift_table:distribution_shift",
        caption="The table shows how far each policy moved from the data that it was trained on "
        "(KL divergence, nats), by how much its critic overestimates it, and its score. Values are "
        "means over training seeds with Student-t intervals.",
        inputs=sources.moved,
        table=TABLE,
        figure=FIGURE,
        keys=(*RESULTS, "training.shift_steps", "domains"),
    ),
    Product(
        target="table_claims",
        name="claims",
        scope=PROFILE,
        maker="claims_table:tested",
        caption="The table lists the paper's claims and the tests that decide them. The "
        "verdicts hold for this number of seeds.",
        inputs=sources.claims,
        table=TABLE,
    ),
    Product(
        target="table_regime",
        name="regime",
        scope=PROFILE,
        maker="regime_table:conditions",
        caption="Five conditions on each algorithm without sharing show whether the runs are long "
        "enough to judge strategies. Each condition is met, not met, or without data.",
        inputs=sources.judged,
        table=TABLE,
        keys=(*RESULTS, "training", "domains"),
    ),
    Product(
        target="paper_table_main",
        name="paper_table_main",
        scope=PROFILE,
        maker="paper:main",
        caption="The table has the scores on all suites, as a paper prints them. Rows are tasks "
        "and averages, and columns are methods.",
        inputs=sources.summaries,
        table=TABLE,
    ),
    Product(
        target="paper_table_vision",
        name="paper_table_vision",
        scope=PROFILE,
        maker="paper:vision",
        caption="The table has the scores on the suites of pictures, as a paper prints them. Rows "
        "are tasks and averages, and columns are methods.",
        inputs=sources.vision_summaries,
        table=TABLE,
        applies=lambda config, suite: any(map(jobs.seen_as_pictures, config.suites)),
        needs="a suite whose observations are pictures",
    ),
    Product(
        target="paper_table_shift",
        name="paper_table_shift",
        scope=PROFILE,
        maker="paper:shift",
        caption="The table shows how distribution shift and score depend on the quality of the "
        "data.",
        inputs=sources.moved_by_quality,
        table=TABLE,
        keys=(*RESULTS, "training.shift_steps", "domains"),
        applies=lambda config, suite: bool(jobs.by_quality(config)),
        needs="suites of the same tasks with data of several qualities (profile shift)",
    ),
    Product(
        target="paper_table_theory",
        name="paper_table_theory",
        scope=PROFILE,
        maker="theory_table:exact",
        caption="The paper's theory is tested on random MDPs, in which every value is exact. The "
        "table shows how often each strategy's policy is worse than the behaviour policy of the "
        "target's data, and the terms of the paper's bound.",
        inputs=sources.theory,
        table=TABLE,
        figure=FIGURE,
        keys=("theory",),
        applies=lambda config, suite: config.theory != "none",
        needs="the key 'theory' in the profile (tiny or full)",
    ),
    Product(
        target="paper_figure_routing",
        name="paper_figure_routing",
        scope=PROFILE,
        maker="routing:routing",
        caption="The panels show which task's data each task was trained on at the end of "
        "training. There is one for every suite and strategy of the profile's first algorithm.",
        inputs=sources.all_metrics,
        table=TABLE,
        figure=FIGURE,
    ),
)
