#!/usr/bin/env bash
# Ends the jobs and daemons of a cluster started by start.sh FOLDER; its files stay.
set -uo pipefail
folder=$(realpath "$1")
export SLURM_CONF=$folder/etc/slurm.conf
timeout 10 scontrol shutdown 2> /dev/null
# What runs on the nodes, which does not end with its daemon: first what reports on jobs (known by its log), then the jobs.
for process in $(pgrep -x slurmstepd); do
  readlink "/proc/$process"/fd/* | grep -qF "$folder/log/" && kill -9 "$process"
done
for process in /proc/[0-9]*; do
  if grep -sqzxF "SLURM_CONF=$SLURM_CONF" "$process/environ" && grep -sqz '^SLURMD_NODENAME=' "$process/environ"; then
    kill -9 "${process#/proc/}"
  fi
done
for _ in $(seq 50); do
  running=()
  for file in "$folder"/run/*.pid; do
    # A pid file outlives a killed daemon, and its number may be another's by now.
    pid=$(cat "$file" 2> /dev/null) && program=$(readlink "/proc/$pid/exe") || continue
    case ${program##*/} in munged | slurmctld* | slurmd*) running+=("$pid") ;; esac
  done
  [ ${#running[@]} = 0 ] && exit 0
  kill "${running[@]}" 2> /dev/null
  sleep 0.2
done
kill -9 "${running[@]}" 2> /dev/null
