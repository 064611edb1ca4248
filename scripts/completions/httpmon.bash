# Completions of httpmon for bash.
_httpmon() {
    local word=${COMP_WORDS[COMP_CWORD]}
    case ${COMP_WORDS[COMP_CWORD - 1]} in
        -t | --threshold) COMPREPLY=(); return ;;
        -r | --recovery-threshold) COMPREPLY=(); return ;;
        -i | --interval) COMPREPLY=(); return ;;
        -w | --window) COMPREPLY=(); return ;;
        -l | --lateness) COMPREPLY=(); return ;;
        --idle-timeout) COMPREPLY=(); return ;;
        -n | --top) COMPREPLY=(); return ;;
        -c | --columns) COMPREPLY=(); return ;;
        -d | --delimiter) mapfile -t COMPREPLY < <(printf '%s\n' ',' '\;' '\|' 'tab' | grep -F -- "$word"); return ;;
        -z | --zone) mapfile -t COMPREPLY < <(printf '%s\n' 'UTC' 'local' | grep -F -- "$word"); return ;;
        --source) COMPREPLY=(); return ;;
        --rejects) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W '--threshold -t --recovery-threshold -r --interval -i --window -w --lateness -l --idle-timeout --top -n --columns -c --delimiter -d --zone -z --source --rejects --quiet -q --help -h --version -V' -- "$word")
}
complete -F _httpmon httpmon
