#!/bin/bash
# fsx.sh BUILT OUT SECONDS_MAX: runs fsx on files of the working directory's file system in several ways. Prints a line a
# way: its name and its exit code. What it says goes to OUT/NAME.log.
BUILT="$1" OUT="$2" SECONDS_MAX="$3"

run()
{
	local name="$1"
	shift
	timeout "${SECONDS_MAX}" "${BUILT}/fsx" -q -P "${OUT}" "$@" "fsx.${name}" >"${OUT}/${name}.log" 2>&1
	echo "${name} $?"
}

run plain -N 6000 -S 11
run direct -N 2000 -S 12 -R -W -Z -r 4096 -w 4096
run direct-512 -N 2000 -S 17 -R -W -Z -r 512 -w 512 -t 512
run reopened -N 3000 -S 13 -c 10
run large -N 1500 -S 14 -l 20000000 -o 3000000
run invalidated -N 1500 -S 15 -f
run unmapped -N 4000 -S 16 -R -W -l 1000000
run synced -N 1500 -S 104 -y
run past-the-end -N 300 -S 103 -f -l 3000000 -o 200000 -e 1
