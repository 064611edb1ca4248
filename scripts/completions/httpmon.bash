# Completions of httpmon for bash.
_httpmon() {
    local word=${COMP_WORDS[COMP_CWORD]}
    case ${COMP_WORDS[COMP_CWORD - 1]} in
        -c | --columns) COMPREPLY=(); return ;;
        -d | --delimiter) mapfile -t COMPREPLY < <(printf '%s\n' ',' '\;' '\|' 'tab' | grep -F -- "$word"); return ;;
        --time-format) COMPREPLY=(); return ;;
        -z | --zone) mapfile -t COMPREPLY < <(printf '%s\n' 'UTC' 'local' | grep -F -- "$word"); return ;;
        --source) COMPREPLY=(); return ;;
        -i | --interval) COMPREPLY=(); return ;;
        -w | --window) COMPREPLY=(); return ;;
        -l | --lateness) COMPREPLY=(); return ;;
        --idle-timeout) COMPREPLY=(); return ;;
        -t | --threshold) COMPREPLY=(); return ;;
        -r | --recovery-threshold) COMPREPLY=(); return ;;
        --low-threshold) COMPREPLY=(); return ;;
        -e | --error-threshold) COMPREPLY=(); return ;;
        --slow-threshold) COMPREPLY=(); return ;;
        --slow) COMPREPLY=(); return ;;
        --min-count) COMPREPLY=(); return ;;
        -n | --top) COMPREPLY=(); return ;;
        --rejects) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --rejects-max) COMPREPLY=(); return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W '--columns -c --delimiter -d --time-format --zone -z --source --interval -i --window -w --lateness -l --idle-timeout --threshold -t --recovery-threshold -r --low-threshold --error-threshold -e --slow-threshold --slow --min-count --top -n --rejects --rejects-max --quiet -q --help -h --version -V' -- "$word")
}
complete -F _httpmon httpmon
