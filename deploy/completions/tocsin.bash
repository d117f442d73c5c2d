# bash completion for tocsin, tocsin-agent and tocsin-collector. Commands and options come from `tocsin --commands`.

_tocsin() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command="" i
    COMPREPLY=()
    case $before in
    --site | --data | --rules | --decoders | --day-keys)
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --class)
        mapfile -t COMPREPLY < <(compgen -W "network system access application signing configuration report issued
            revocation journal" -- "$word")
        return
        ;;
    --format)
        mapfile -t COMPREPLY < <(compgen -W "auto syslog json logfmt plain jsonl" -- "$word")
        return
        ;;
    --role)
        mapfile -t COMPREPLY < <(compgen -W "admin monitor board arbitrator" -- "$word")
        return
        ;;
    --standard)
        mapfile -t COMPREPLY < <(compgen -W "cabf-br security-manual" -- "$word")
        return
        ;;
    --profile)
        mapfile -t COMPREPLY < <(compgen -W "cabf-br rfc" -- "$word")
        return
        ;;
    --expect)
        mapfile -t COMPREPLY < <(compgen -W "issued good revoked unissued" -- "$word")
        return
        ;;
    --hosts | --key | --proof | --response | --issuer | --cert | --previous | --headers | --query | -o)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    --now | --since | --until | --limit | --host | --name | --listen | --ttl | --uses | --address | --by | --reason | \
        --query | --from | --day | --veto | --needed | --public | --wait | --serial | --max-age | --uri | --nonce | --set) return ;;
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --site | --data | --now) ((i++)) ;;
        -*) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done
    local table words=""
    table=$("${COMP_WORDS[0]}" --commands 2>/dev/null)
    case $command in
    "" | help)
        [ "${word:0:1}" = - ] || words="$(cut -f 1 <<<"$table") help"
        ;;
    rules) words="check list test" ;;
    people) words="list add remove" ;;
    hold) words="list show place release" ;;
    retention) words="status policy propose check run erase veto decommission" ;;
    witnesses) words="show propose" ;;
    probe) words="discover ocsp crl tls http grpc acme tsa pkcs11 cacert dns ntp smtp tcp command queue" ;;
    esac
    if [ "${word:0:1}" = - ]; then
        words="--site --data --json --now --help"
        [ -n "$command" ] && words+=" $(grep -P "^$command\t" <<<"$table" | cut -f 2 | grep -o -- '--[a-z-]*')"
    fi
    mapfile -t COMPREPLY < <(
        compgen -W "$words" -- "$word"
        case $command in init | detect | decode | rules | verify | sign | submit | retention) compgen -f -- "$word" ;; esac
    )
}

_tocsin_daemon() {
    local word=${COMP_WORDS[COMP_CWORD]} options="--site --data --check --verbose --help --version"
    [[ ${COMP_WORDS[0]} == *agent ]] && options+=" --join --token --name"
    case ${COMP_WORDS[COMP_CWORD - 1]} in
    --site | --data) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
    --join | --token | --name) COMPREPLY=() ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word") ;;
    esac
}

complete -o filenames -F _tocsin tocsin
complete -o filenames -F _tocsin_daemon tocsin-agent tocsin-collector
