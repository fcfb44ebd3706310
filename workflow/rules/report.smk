"""Tables, figures, and the page with all of them."""

summary_keys = (
    "suites",
    "algorithms",
    "sharing",
    "seeds",
    "seeds_per_job",
    "protocol",
    "baselines",
)

for suite in settings.suites:
    suite_id = paths.suite_id(suite)

    rule:
        name:
            f"table_{suite_id}"
        input:
            str(paths.scores(settings)),
            str(paths.failures(settings)),
            str(paths.comparisons(settings)),
        output:
            [
                path
                for path in plan.suite_tables(settings, suite)
                if not path.endswith("html")
            ],
            report(
                str(paths.table(settings, suite, "html")),
                caption="../report/table.rst",
                category="Tables",
                labels={"suite": suite, "table": "scores"},
            ),
            report(
                str(paths.comparison_table(settings, suite, "html")),
                caption="../report/comparisons.rst",
                category="Tables",
                labels={"suite": suite, "table": "comparisons"},
            ),
            [
                report(
                    path,
                    caption="../report/oracle.rst",
                    category="Tables",
                    labels={"suite": suite, "table": "oracle"},
                )
                for path in plan.suite_tables(settings, suite)
                if path.endswith("_oracle.html")
            ],
        log:
            plan.log(settings, "table", suite),
        benchmark:
            plan.benchmark(settings, "table", suite)
        conda:
            "../envs/cds-bench.yaml"
        threads: 1
        params:
            suite=suite,
            config=configuration.part(settings, *summary_keys),
            code=fingerprint("cds_bench.report.tables", "cds_bench.report.oracle"),
        message:
            f"Writing the tables of {suite}"
        shell:
            "cds-bench table --suite {params.suite} --config {params.config:q} > {log} 2>&1"

    rule:
        name:
            f"figures_{suite_id}"
        input:
            str(paths.scores(settings)),
            plan.suite_metrics(settings, suite),
        output:
            [
                path
                for path in plan.suite_figures(settings, suite)
                if path.endswith("png")
            ],
            [
                report(
                    path,
                    caption=f"../report/{plan.figure_kind(path)}.rst",
                    category="Figures",
                    labels={"suite": suite, "figure": plan.figure_name(suite, path)},
                )
                for path in plan.suite_figures(settings, suite)
                if path.endswith("svg")
            ],
        log:
            plan.log(settings, "figures", suite),
        benchmark:
            plan.benchmark(settings, "figures", suite)
        conda:
            "../envs/cds-bench.yaml"
        threads: 1
        params:
            suite=suite,
            config=configuration.part(settings, *summary_keys),
            code=fingerprint("cds_bench.report.figures", "cds_bench.report.heatmaps"),
        message:
            f"Drawing the figures of {suite}"
        shell:
            "cds-bench figures --suite {params.suite} --config {params.config:q} > {log} 2>&1"

    rule:
        name:
            f"coverage_{suite_id}"
        input:
            plan.suite_datasets(settings, suite),
        output:
            report(
                str(paths.figure(settings, suite, "coverage", "svg")),
                caption="../report/coverage.rst",
                category="Datasets",
                labels={"suite": suite, "figure": "coverage"},
            ),
            str(paths.figure(settings, suite, "coverage", "png")),
            str(paths.coverage_table(settings, suite)),
        log:
            plan.log(settings, "coverage", suite),
        benchmark:
            plan.benchmark(settings, "coverage", suite)
        conda:
            "../envs/cds-bench.yaml"
        threads: 1
        params:
            suite=suite,
            config=configuration.part(settings, f"suites.{suite}"),
            code=fingerprint(
                "cds_bench.report.coverage",
                *plan.world(plan.domain_of(suite))[:1],
            ),
        message:
            f"Drawing the data of {suite}"
        shell:
            "cds-bench coverage --suite {params.suite} --config {params.config:q} > {log} 2>&1"

    rule:
        name:
            f"selection_{suite_id}"
        input:
            plan.suite_metrics(settings, suite),
        output:
            [
                path
                for path in plan.suite_selection(settings, suite)["tables"]
                if not path.endswith("html")
            ],
            report(
                str(paths.selection_table(settings, suite, "html")),
                caption="../report/selection.rst",
                category="Tables",
                labels={"suite": suite, "table": "selection"},
            ),
            str(paths.figure(settings, suite, "selection", "png")),
            report(
                str(paths.figure(settings, suite, "selection", "svg")),
                caption="../report/selection.rst",
                category="Figures",
                labels={"suite": suite, "figure": "selection"},
            ),
        log:
            plan.log(settings, "selection", suite),
        benchmark:
            plan.benchmark(settings, "selection", suite)
        conda:
            "../envs/cds-bench.yaml"
        threads: 1
        params:
            suite=suite,
            config=configuration.part(settings, *summary_keys),
            code=fingerprint("cds_bench.report.selection"),
        message:
            f"Writing what strategies select in {suite}"
        shell:
            "cds-bench selection --suite {params.suite} --config {params.config:q} > {log} 2>&1"

    rule:
        name:
            f"headroom_{suite_id}"
        input:
            str(paths.pool(settings, suite)),
        output:
            [
                path
                for path in plan.suite_headroom(settings, suite)["tables"]
                if not path.endswith("html")
            ],
            report(
                str(paths.headroom_table(settings, suite, "html")),
                caption="../report/headroom.rst",
                category="Datasets",
                labels={"suite": suite, "table": "headroom"},
            ),
            str(paths.figure(settings, suite, "headroom", "png")),
            report(
                str(paths.figure(settings, suite, "headroom", "svg")),
                caption="../report/headroom.rst",
                category="Datasets",
                labels={"suite": suite, "figure": "headroom"},
            ),
        log:
            plan.log(settings, "headroom", suite),
        benchmark:
            plan.benchmark(settings, "headroom", suite)
        conda:
            "../envs/cds-bench.yaml"
        threads: 1
        params:
            suite=suite,
            discount=plan.discount(settings, suite),
            config=configuration.part(settings, f"suites.{suite}"),
            code=fingerprint("cds_bench.report.headroom"),
        message:
            f"Measuring what there is to share in {suite}"
        shell:
            "cds-bench headroom --suite {params.suite} --discount {params.discount} "
            "--config {params.config:q} > {log} 2>&1"


rule table_shift:
    input:
        str(paths.scores(settings)),
        str(paths.shift(settings)),
    output:
        [
            path
            for path in plan.overall_tables(settings, "distribution_shift")
            if not path.endswith("html")
        ],
        report(
            str(paths.overall_table(settings, "distribution_shift", "html")),
            caption="../report/shift.rst",
            category="Tables",
            labels={"suite": "all", "table": "distribution shift"},
        ),
        str(paths.overall_figure(settings, "distribution_shift", "png")),
        report(
            str(paths.overall_figure(settings, "distribution_shift", "svg")),
            caption="../report/shift.rst",
            category="Figures",
            labels={"suite": "all", "figure": "distribution_shift"},
        ),
    log:
        plan.log(settings, "shift"),
    benchmark:
        plan.benchmark(settings, "shift")
    conda:
        "../envs/cds-bench.yaml"
    threads: 1
    params:
        config=configuration.part(settings, *summary_keys, "training.shift_steps"),
        code=fingerprint("cds_bench.report.shift"),
    message:
        "Writing how far the policies moved from their data"
    shell:
        "cds-bench shift --config {params.config:q} > {log} 2>&1"


rule table_ranks:
    input:
        str(paths.scores(settings)),
    output:
        [
            path
            for path in plan.overall_tables(settings, "ranks")
            if not path.endswith("html")
        ],
        report(
            str(paths.overall_table(settings, "ranks", "html")),
            caption="../report/ranks.rst",
            category="Tables",
            labels={"suite": "all", "table": "ranks"},
        ),
        str(paths.overall_figure(settings, "ranks", "png")),
        report(
            str(paths.overall_figure(settings, "ranks", "svg")),
            caption="../report/ranks.rst",
            category="Figures",
            labels={"suite": "all", "figure": "ranks"},
        ),
    log:
        plan.log(settings, "ranks"),
    benchmark:
        plan.benchmark(settings, "ranks")
    conda:
        "../envs/cds-bench.yaml"
    threads: 1
    params:
        config=configuration.part(settings, *summary_keys),
        code=fingerprint("cds_bench.report.ranks"),
    message:
        "Ranking the methods over all tasks"
    shell:
        "cds-bench ranks --config {params.config:q} > {log} 2>&1"


rule table_claims:
    input:
        str(paths.claims(settings)),
    output:
        [
            path
            for path in plan.overall_tables(settings, "claims")
            if not path.endswith("html")
        ],
        report(
            str(paths.overall_table(settings, "claims", "html")),
            caption="../report/claims.rst",
            category="Tables",
            labels={"suite": "all", "table": "claims"},
        ),
    log:
        plan.log(settings, "claims"),
    benchmark:
        plan.benchmark(settings, "claims")
    conda:
        "../envs/cds-bench.yaml"
    threads: 1
    params:
        config=configuration.part(settings, *summary_keys),
        code=fingerprint("cds_bench.report.paper_claims"),
    message:
        "Writing what the scores say of the paper's claims"
    shell:
        "cds-bench claims --config {params.config:q} > {log} 2>&1"


rule table_regime:
    input:
        str(paths.scores(settings)),
        str(paths.shift(settings)),
        plan.all_references(settings),
    output:
        [
            path
            for path in plan.overall_tables(settings, "regime")
            if not path.endswith("html")
        ],
        report(
            str(paths.overall_table(settings, "regime", "html")),
            caption="../report/regime.rst",
            category="Tables",
            labels={"suite": "all", "table": "regime"},
        ),
    log:
        plan.log(settings, "regime"),
    benchmark:
        plan.benchmark(settings, "regime")
    conda:
        "../envs/cds-bench.yaml"
    threads: 1
    params:
        config=configuration.part(settings, *summary_keys, "training", "domains"),
        code=fingerprint("cds_bench.report.regime"),
    message:
        "Checking whether the runs are long enough to judge by"
    shell:
        "cds-bench regime --config {params.config:q} > {log} 2>&1"


rule tables:
    input:
        plan.tables(settings),


rule figures:
    input:
        plan.figures(settings),


rule configuration:
    output:
        str(paths.resolved(settings)),
    log:
        plan.log(settings, "configuration"),
    conda:
        "../envs/cds-bench.yaml"
    threads: 1
    params:
        config=settings.model_dump_json(),
    message:
        "Writing the resolved configuration"
    shell:
        "cds-bench config --config {params.config:q} > {output} 2> {log}"


rule report:
    input:
        plan.tables(settings),
        plan.figures(settings),
        plan.page_data(settings),
        configuration=str(paths.resolved(settings)),
    output:
        plan.report(settings),
    log:
        plan.log(settings, "report"),
    benchmark:
        plan.benchmark(settings, "report")
    conda:
        "../envs/cds-bench.yaml"
    threads: 1
    params:
        code=plan.page_code(),
    message:
        "Making the report page"
    shell:
        "cds-bench report --config {input.configuration:q} > {log} 2>&1"
