"""Tables, figures and the report page. Each target of the registry gets a rule."""

for target, suite in targets.targets(settings):

    rule:
        name:
            targets.rule(target, suite)
        input:
            targets.inputs(settings, target, suite),
        output:
            targets.outputs(settings, target, suite),
        log:
            jobs.log(settings, target, *filter(None, [suite])),
        benchmark:
            jobs.benchmark(settings, target, *filter(None, [suite]))
        localrule: True
        threads: 1
        resources:
            **request(settings, "target"),
        params:
            target=target,
            suite=["--suite", suite] if suite else [],
            config=targets.configuration(settings, target, suite),
            code=targets.code(settings, target, suite),
        message:
            f"Making {targets.rule(target, suite)}"
        shell:
            "cds-bench make {params.target:q} {params.suite:q} "
            "--config {params.config:q} > {log:q} 2>&1"


rule tables:
    input:
        targets.tables(settings),
    message:
        "All tables are complete"


rule figures:
    input:
        targets.figures(settings),
    message:
        "All figures are complete"


rule configuration:
    output:
        str(paths.resolved(settings)),
    log:
        jobs.log(settings, "configuration"),
    localrule: True
    threads: 1
    resources:
        **request(settings, "configuration"),
    params:
        config=settings.model_dump_json(),
    message:
        "Writing the resolved configuration"
    shell:
        "cds-bench config --config {params.config:q} > {output:q} 2> {log:q}"


rule report:
    input:
        targets.tables(settings),
        targets.figures(settings),
        jobs.page_data(settings),
        configuration=str(paths.resolved(settings)),
    output:
        jobs.report(settings),
    log:
        jobs.log(settings, "report"),
    benchmark:
        jobs.benchmark(settings, "report")
    localrule: True
    threads: 1
    resources:
        **request(settings, "report"),
    params:
        code=targets.page_code(),
    message:
        "Making the report page"
    shell:
        "cds-bench report --config {input.configuration:q} > {log:q} 2>&1"
