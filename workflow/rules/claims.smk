CLAIMS = [f"results/{NAME}/{file}.json" for file in ("claims", "verdicts") if EXPERIMENT.config["claims"]]
if CLAIMS:
    TABLES.append(f"results/{NAME}/tables/claims.md")

# What some claims are about, as options of `normeq claims`: option -> file, where the config measures it.
CLAIMED = {
    option: file
    for option, file in {
        "tuning": f"results/{NAME}/tuning.csv",
        "certificate": f"results/{NAME}/certificate.csv",
        "filters": f"results/{NAME}/tables/filters.csv",
    }.items()
    if not lacking(option)
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
        more=[word for option, file in CLAIMED.items() for word in (f"--{option}", file)],
        key=CLAIMS_KEY,
    shell:
        "normeq claims {input.tables:q} --config {input.config:q} {params.published:q} {params.more:q}"
        " --out {output.claims:q} --metrics {output.verdicts:q} --out-dir {params.folder:q} > {log:q} 2>&1"
        " && echo {params.key} > {output.made:q}"
