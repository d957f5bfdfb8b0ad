# Goes to the end of pjdfstest's misc.sh: the same checks, the same output, one fork for each where there were six. In a
# virtual machine a fork costs more than most of the calls that are tested.

expect()
{
	local wanted="${1}" got
	shift
	got=$(exec "${fstest}" $* 2>/dev/null)
	got="${got##*$'\n'}"
	if [[ "${got}" =~ ^${wanted}$ ]]; then
		echo "ok ${ntest}${todomsg:+ # todo ${todomsg}}"
	elif [ -n "${todomsg}" ]; then
		echo "not ok ${ntest} # todo ${todomsg}"
	else
		echo "not ok ${ntest} - tried '$*', expected ${wanted}, got ${got}"
	fi
	todomsg=""
	: $(( ntest += 1 ))
}

# Letters and digits that no other name of this run has: the process, the time, and how many came before.
namegen()
{
	echo "pjdfstest_${BASHPID}x${EPOCHREALTIME//[!0-9]/}x${RANDOM}x${RANDOM}"
}

namegen_len()
{
	local long=""
	while [ ${#long} -lt "${1}" ]; do
		long="${long}${BASHPID}x${EPOCHREALTIME//[!0-9]/}x${RANDOM}x"
	done
	printf "%s" "${long:0:${1}}"
}
