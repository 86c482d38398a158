#!/usr/bin/env bash
# A SLURM cluster on this machine alone, for the tests and to try things by hand:
#   tests/cluster/start.sh FOLDER && source FOLDER/env.sh && sinfo        tests/cluster/stop.sh FOLDER
# Nodes n1 and n2 have a GPU each that is none (a device file), n3 has none. Everything listens on 127.0.0.1 and lies in FOLDER;
# no database, no control groups, no systemd. Debian: apt-get install slurmctld slurmd slurm-client munge
# PORT, CPUS (of each node; more than there are is fine) and MEMORY (MB) may be set.
set -euo pipefail
PATH=$PATH:/usr/sbin # where Debian puts daemons, and not everybody looks
folder=$(realpath -m "$1")
port=${PORT:-16817} cpus=${CPUS:-8} memory=${MEMORY:-64000} user=$(id -un)
export SLURM_CONF=$folder/etc/slurm.conf
mkdir -p "$folder"/{etc,bin,log,run,munge,spool/ctld}
chmod 755 "$folder" "$folder/munge"
(umask 077 && head -c 1024 /dev/urandom > "$folder/munge/key")

cat > "$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$port
SrunPortRange=$((port + 10))-$((port + 99))
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$folder/munge/sock
StateSaveLocation=$folder/spool/ctld
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/%n.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
SlurmdParameters=config_overrides
SlurmdTimeout=30
BatchStartTimeout=2
ReturnToService=2
KillWait=5
MinJobAge=86400
JobRequeue=1
SchedulerParameters=sched_interval=5,bf_interval=5,batch_sched_delay=0
CONF
for node in 1 2 3; do
  gres=$([ $node = 3 ] || echo Gres=gpu:fake:1)
  echo "NodeName=n$node NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((port + node)) CPUs=$cpus SocketsPerBoard=1" \
    "CoresPerSocket=$cpus ThreadsPerCore=1 RealMemory=$memory $gres" >> "$SLURM_CONF"
done
echo "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP" >> "$SLURM_CONF"
printf '%s\n' AutoDetect=off "NodeName=n[1-2] Name=gpu Type=fake File=/dev/null" > "$folder/etc/gres.conf"

# The Snakemake inside a job starts srun without SLURM_CONF. A real cluster has its slurm.conf in /etc/slurm.
printf '#!/bin/sh\nSLURM_CONF=%s exec /usr/bin/srun "$@"\n' "$SLURM_CONF" > "$folder/bin/srun"
chmod +x "$folder/bin/srun"
echo "export SLURM_CONF=$SLURM_CONF PATH=$folder/bin:\$PATH" > "$folder/env.sh"

munged --key-file="$folder/munge/key" --socket="$folder/munge/sock" --pid-file="$folder/run/munged.pid" \
  --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"
slurmctld
for node in n1 n2 n3; do
  mkdir -p "$folder/spool/$node"
  slurmd -N $node
done
for _ in $(seq 100); do
  [ "$(sinfo -h -N -t idle -o %N 2> /dev/null | wc -l)" = 3 ] && exit 0
  sleep 0.2
done
echo "the nodes are not idle after 20 s; see $folder/log" >&2
sinfo -N >&2
exit 1
