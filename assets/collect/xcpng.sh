#!/bin/sh
# Prints what this pool knows of its machines, snapshots and disks, for `vhdtree --facts FILE`.
# Reads only. On the pool's master:
#   sh collect.sh > vhdtree-host.xe             all machines
#   sh collect.sh VM-UUID > vhdtree-host.xe     one machine and its snapshots
set -eu

vdi='uuid,name-label,is-a-snapshot,snapshot-of,snapshot-time,managed,sr-uuid'
vbd='vdi-uuid,vm-uuid,vm-name-label'
snapshot='uuid,name-label,snapshot-of,snapshot-time'

xe vdi-list params="$vdi"
echo
if [ $# -eq 0 ]; then
    xe vbd-list type=Disk params="$vbd"
    echo
    xe snapshot-list params="$snapshot"
    exit
fi
xe vbd-list type=Disk vm-uuid="$1" params="$vbd"
echo
xe snapshot-list snapshot-of="$1" params="$snapshot"
for id in $(xe snapshot-list snapshot-of="$1" params=uuid --minimal | tr ',' ' '); do
    echo
    xe vbd-list type=Disk vm-uuid="$id" params="$vbd"
done
