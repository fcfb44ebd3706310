"""Statistics: each suite's scores and comparisons from its own runs, then the whole profile's."""


rule suite_statistics:
    input:
        lambda wildcards: plan.suite_runs(settings, wildcards.suite),
        plan.baseline_scores(settings),
    output:
        plan.suite_statistics(settings, "{suite}"),
    log:
        plan.log(settings, "suite_statistics", "{suite}"),
    benchmark:
        plan.benchmark(settings, "suite_statistics", "{suite}")
    conda:
        "../envs/cds-bench.yaml"
    threads: 1
    params:
        config=configuration.part(settings, *products.RESULTS),
        code=fingerprint(
            "cds_bench.statistics.comparisons",
            "cds_bench.statistics.schema",
            "cds_bench.statistics.shift",
        ),
    message:
        "Comparing the methods on {wildcards.suite}"
    shell:
        "cds-bench statistics --suite {wildcards.suite} --config {params.config:q} > {log} 2>&1"


rule statistics:
    input:
        [
            path
            for suite in settings.suites
            for path in plan.suite_statistics(settings, suite)
        ],
    output:
        plan.statistics(settings),
    log:
        plan.log(settings, "statistics"),
    benchmark:
        plan.benchmark(settings, "statistics")
    conda:
        "../envs/cds-bench.yaml"
    threads: 1
    params:
        config=configuration.part(settings, *products.RESULTS),
        code=fingerprint("cds_bench.statistics.merging"),
    message:
        "Putting the suites' results together and testing the paper's claims"
    shell:
        "cds-bench statistics --config {params.config:q} > {log} 2>&1"
