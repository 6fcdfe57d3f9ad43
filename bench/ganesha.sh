#!/bin/bash
# ganesha.sh DIRECTORY PORT: exports DIRECTORY as / by nfs-ganesha (Debian: nfs-ganesha nfs-ganesha-vfs rpcbind) on
# 127.0.0.1:PORT, MOUNT on PORT+1, in the foreground, as the peer that bench/nfs.ts compares with. Needs root.
# Ganesha insists on an rpcbind: it gets one of its own, in namespaces that end with it, so that port 111 stays as it is.
set -euo pipefail
directory=$(realpath "$1") port=$2

if [[ -z ${INSIDE:-} ]]; then
  INSIDE=1 exec unshare --mount --pid --fork --kill-child --mount-proc "$0" "$directory" "$port"
fi

mount -t tmpfs none /run
mkdir -p /run/rpcbind /run/state/nfs/ganesha
mount --bind /run/state /var/lib
cat >/run/ganesha.conf <<EOF
NFS_CORE_PARAM {
    Bind_addr = 127.0.0.1;
    NFS_Port = $port; MNT_Port = $((port + 1)); NLM_Port = $((port + 2)); Rquota_Port = $((port + 3));
    Protocols = 3; Enable_UDP = false; Enable_NLM = false; Enable_RQUOTA = false;
}
EXPORT {
    Export_Id = 1; Path = $directory; Pseudo = /; Protocols = 3;
    Access_Type = RO; Squash = No_Root_Squash; SecType = sys;
    FSAL { Name = VFS; }
}
LOG { Default_Log_Level = EVENT; }
EOF
unshare --net rpcbind -f -w &
for _ in $(seq 50); do [[ -S /run/rpcbind.sock ]] && break; sleep 0.1; done
exec ganesha.nfsd -F -f /run/ganesha.conf -L STDERR -p /run/ganesha.pid
