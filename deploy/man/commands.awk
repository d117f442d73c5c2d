# The COMMANDS section of tocsin(1), out of the program's own table: awk -v program=PATH -f commands.awk TABLE
# TABLE is what `tocsin --commands` prints: NAME, ARGUMENTS and SUMMARY, between tabs.
function roff(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    if (text ~ /^[.']/)
        text = "\\&" text
    return text
}

BEGIN { FS = "\t" }

{
    printf ".SS %s\n.B tocsin %s\n%s\n.PP\n%s.\n", roff($1), roff($1), roff($2), roff($3)
    command = "\"" program "\" help " $1
    # Usage, summary and blank lines stand above already.
    for (line = 0; (command | getline text) > 0; line++) {
        if (line < 4)
            continue
        example = text ~ /^  /
        if (example && !shown)
            print ".EX"
        if (!example && shown)
            print ".EE"
        if (!example && text != "" && !shown)
            print ".br"
        shown = example
        if (text != "" || example)
            print roff(text)
    }
    if (shown)
        print ".EE"
    shown = 0
    close(command)
}
