CLAIMS = [f"results/{NAME}/{file}.json" for file in ("claims", "verdicts") if EXPERIMENT.config["claims"]]
if CLAIMS:
    TABLES.append(f"results/{NAME}/tables/claims.md")

# What the claims are about beside the first two tables: measurement -> the file that `normeq claims` reads. So every kind says it of
# itself (normeq.suite.claims.kinds); what the config cannot measure is left out, and its claims are not tested.
CLAIMED = {
    kind.measurement: f"results/{NAME}/{kind.reads}"
    for kind in claim_kinds().values()
    if kind.name in {claim["kind"] for claim in EXPERIMENT.config["claims"]}
    and kind.measurement not in TABLED
    and not lacking(kind.measurement)
}
CLAIMS_KEY = key("claims", *TABLED, *CLAIMED, published=True, claims=EXPERIMENT.config["claims"])


rule claims:
    # Is each claim of the config reproduced? Thresholds are the config's (docs/claims.md).
    input:
        tables=made_of(
            TABLED_FILES,
            "claims",
            CLAIMS_KEY,
            "" if EXPERIMENT.config["claims"] else "the config has no claims",
        ),
        more=list(CLAIMED.values()),
        config=CONFIG_RECORD,
    output:
        multiext(f"results/{NAME}/tables/claims", ".csv", ".tex"),
        claims=f"results/{NAME}/claims.json",
        made=stamp("claims"),
        verdicts=f"results/{NAME}/verdicts.json",
        shown=report(
            f"results/{NAME}/tables/claims.md",
            caption="../report/claims.rst",
            category="Tables",
        ),
    log:
        f"logs/{NAME}/claims.log",
    conda:
        "../../environment.yml"
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=30,
    params:
        folder=subpath(output.shown, parent=True),
        published=published_option,
        more=[word for name, file in CLAIMED.items() for word in (f"--{name.replace('_', '-')}", file)],
        key=CLAIMS_KEY,
    shell:
        "normeq claims {input.tables:q} --config {input.config:q} {params.published:q} {params.more:q}"
        " --out {output.claims:q} --metrics {output.verdicts:q} --out-dir {params.folder:q} > {log:q} 2>&1"
        " && echo {params.key} > {output.made:q}"
