# Bounds what a machine sends, and what it receives, to so many bytes a second. Runs once, in a container that
# shares the machine's network namespace and holds NET_ADMIN alone, before its virtual CPUs run.
#
#     sh -c THIS bound-network BYTES
#
# The kernel paces what leaves by a device, not what comes in. So what comes in is sent through a pair of
# devices, out by the one and in by the other, which has the address that the packets are for.
set -eu
burst=$(($1 / 10))
[ "$burst" -ge 65536 ] || burst=65536
pace="tbf rate ${1}bps burst $burst latency 400ms"
device=$(ip -o -4 route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1)
ip link add paced-in type veth peer name paced-out
ip link set paced-out address "$(cat "/sys/class/net/$device/address")"
ip link set paced-in up
ip link set paced-out up
tc qdisc add dev "$device" root $pace
tc qdisc add dev paced-in root $pace
tc qdisc add dev "$device" handle ffff: ingress
tc filter add dev "$device" parent ffff: protocol ip u32 match u32 0 0 \
    action mirred egress redirect dev paced-in
