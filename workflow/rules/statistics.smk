"""Statistics: the scores and comparisons of each suite, and then those of the whole profile."""


rule suite_statistics:
    input:
        lambda wildcards: jobs.suite_runs(settings, wildcards.suite),
        lambda wildcards: jobs.baseline_scores(settings, wildcards.suite),
        lambda wildcards: jobs.suite_references(settings, wildcards.suite),
    output:
        jobs.suite_statistics(settings, "{suite}"),
    log:
        jobs.log(settings, "suite_statistics", "{suite}"),
    benchmark:
        jobs.benchmark(settings, "suite_statistics", "{suite}")
    localrule: True
    threads: 1
    resources:
        **request(settings, "suite_statistics"),
    params:
        config=part(settings, *product.CHECKED),
        code=fingerprint(
            "cds_bench.statistics.comparisons",
            "cds_bench.statistics.schema",
            "cds_bench.statistics.shift",
        ),
    message:
        "Comparing the methods on {wildcards.suite}"
    shell:
        "cds-bench statistics --suite {wildcards.suite:q} --config {params.config:q} > {log:q} 2>&1"


if settings.theory != "none":

    rule theory:
        output:
            str(paths.theory(settings)),
        log:
            jobs.log(settings, "theory"),
        benchmark:
            jobs.benchmark(settings, "theory")
        localrule: True
        threads: 1
        resources:
            **request(settings, "theory"),
        params:
            config=part(settings, "theory"),
            code=fingerprint("cds_bench.theory.results"),
        message:
            "Testing the paper's theory on random MDPs"
        shell:
            "cds-bench theory --config {params.config:q} > {log:q} 2>&1"


rule statistics:
    input:
        [
            path
            for suite in settings.suites
            for path in jobs.suite_statistics(settings, suite)
        ],
        jobs.theory(settings),
    output:
        jobs.statistics(settings),
    log:
        jobs.log(settings, "statistics"),
    benchmark:
        jobs.benchmark(settings, "statistics")
    localrule: True
    threads: 1
    resources:
        **request(settings, "statistics"),
    params:
        config=part(settings, *product.RESULTS, "theory"),
        code=fingerprint("cds_bench.statistics.merging"),
    message:
        "Merging the suites' results and testing the paper's claims"
    shell:
        "cds-bench statistics --config {params.config:q} > {log:q} 2>&1"
