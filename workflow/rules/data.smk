rule get_data:
    # Places a data set from a DVC remote or its public origin, every file's sha256 checked; does nothing where it is in place.
    output:
        ".snakemake/placed/{dataset}-{pin}-{key}",
    log:
        "logs/data/{dataset}-{pin}-{key}.log",
    conda:
        "../../environment.yml"
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=720,
    params:
        data_dir=data_dir,
        remote=data_remote,
    shell:
        "normeq data get {wildcards.dataset:q} --data-dir {params.data_dir:q} {params.remote:q} 2>&1 | tee {log:q}; "
        "normeq data verify {wildcards.dataset:q} --data-dir {params.data_dir:q} > {output:q}"
