rule get_data:
    # Places a data set from a DVC remote or its public origin, every file's sha256 checked; does nothing where it is in place.
    output:
        f"{DATA}/.placed/{{dataset}}-{{pin}}",
    log:
        "logs/data/{dataset}-{pin}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
        runtime=720,
    params:
        data_dir=data_dir,
        remote=data_remote,
    shell:
        "normeq data get {wildcards.dataset} --data-dir {params.data_dir} {params.remote} 2>&1 | tee {log}; "
        "normeq data verify {wildcards.dataset} --data-dir {params.data_dir} > {output}"
