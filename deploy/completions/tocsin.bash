# bash completion for tocsin, tocsin-agent and tocsin-collector

_tocsin_classes="network system access application signing configuration report issued revocation journal"

_tocsin() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command="" i
    local everywhere="--site --json --now --help"
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --site | --now) ((i++)) ;;
        -*) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done
    case $before in
    --site | --rules | --data)
        mapfile -t COMPREPLY < <(compgen -d -- "$word")
        return
        ;;
    --class)
        mapfile -t COMPREPLY < <(compgen -W "$_tocsin_classes" -- "$word")
        return
        ;;
    --format)
        mapfile -t COMPREPLY < <(compgen -W "syslog jsonl logfmt raw" -- "$word")
        return
        ;;
    --now | --since | --until | --limit | --host | --name | --listen | --ttl) return ;;
    --hosts)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    esac
    local words=$everywhere files=""
    case $command in
    "") words="init join-token deploy status query alerts verify detect decode rules test-alert help $everywhere" ;;
    help) words="init join-token deploy status query alerts verify detect decode rules test-alert" ;;
    init) words="--name --listen $everywhere" files=directories ;;
    join-token) words="--hosts --ttl $everywhere" ;;
    deploy) words="--print $everywhere" ;;
    query) words="--since --until --class --host --limit --follow --count --by $everywhere" ;;
    alerts) words="--follow $everywhere" ;;
    verify) words="--full $everywhere" files=files ;;
    rules) words="check $everywhere" files=directories ;;
    detect) words="--rules --format $everywhere" files=files ;;
    decode) words="--format $everywhere" files=files ;;
    esac
    case $word in
    -*) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word") ;;
    *)
        mapfile -t COMPREPLY < <(
            compgen -W "$words" -- "$word" | grep -v -- '^-'
            [ "$files" = files ] && compgen -f -- "$word"
            [ "$files" = directories ] && compgen -d -- "$word"
        )
        ;;
    esac
}

_tocsin_daemon() {
    local word=${COMP_WORDS[COMP_CWORD]}
    case ${COMP_WORDS[COMP_CWORD - 1]} in
    --site | --data) mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "--site --data --check --help $1" -- "$word") ;;
    esac
}
_tocsin_agent() { _tocsin_daemon "--join --token"; }

complete -o filenames -F _tocsin tocsin
complete -o filenames -F _tocsin_daemon tocsin-collector
complete -o filenames -F _tocsin_agent tocsin-agent
