#!/bin/sh
# Installs Debian packages as root and leaves no service of theirs running: no default Postgres cluster is made and no
# daemon is started, for Potentia runs its own beside whatever the machine has. Both settings are undone at the end.
set -eu
policy=/usr/sbin/policy-rc.d
cluster=/etc/postgresql-common/createcluster.d/potentia.conf
policy_is_ours=no

undo() {
  rm -f "$cluster"
  if [ "$policy_is_ours" = yes ]; then rm -f "$policy"; fi
}
trap undo EXIT
trap 'exit 130' INT TERM HUP

if [ ! -e "$policy" ]; then
  policy_is_ours=yes
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
mkdir -p "$(dirname "$cluster")"
echo 'create_main_cluster = false' >"$cluster"

DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
  -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
