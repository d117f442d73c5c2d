/* tocsin-commands: everything by hand. People call `tocsin`, which is front.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "site.h"

static const struct command commands[] = {
    {"init", "DIR [--name ORIGIN] [--listen ADDRESS] [--person NAME] [--no-agent] [--brief]", "makes a new site that runs as it is",
     "Keys, settings of the collector and of this host's agent, ready to start.\n"
     "ORIGIN is the log's name, for ever: CA.EXAMPLE/tocsin. ADDRESS is where agents connect (0.0.0.0:7514).\n"
     "NAME (without it, who is logged in) is the first administrator: the key is people/NAME.key in the data folder.\n"
     "--brief says nothing of how to start it.\n\n"
     "  tocsin init /etc/tocsin --name ca.example/tocsin\n",
     command_init},
    {"join-token", "HOST | --hosts FILE [--ttl TIME] [--uses N]", "makes a token with which a host can join",
     "Good for one use and 15 minutes; run it where the collector runs.\n\n"
     "  tocsin join-token signer1\n"
     "  tocsin join-token --hosts hosts.txt --ttl 7d      one token a line, for automation\n",
     command_join_token},
    {"deploy", "HOST --print [--address ADDRESS]", "prints the two lines that bring another host in",
     "  tocsin deploy signer1 --print\n", command_deploy},
    {"status", "", "agents, store, log, detection and channels on one page", "  tocsin status\n  tocsin status --json\n",
     command_status},
    {"query", "[EXPR] [--since T] [--until T] [--class C] [--host H] [--limit N] [--follow] [--count] [--by ingested]",
     "searches events",
     "EXPR: words, \"phrases\", field:value, and, or, not, parentheses; nothing matches everything.\n"
     "T: 2026-11-21T18:00Z, 2026-11-21, 15m (ago), 2h, 7d. Where no collector runs, its store is searched.\n\n"
     "  tocsin query 'Failed password' --since 1h\n"
     "  tocsin query 'user.name:root and event.outcome:success' --class access\n"
     "  tocsin query --host signer1 --follow\n"
     "  tocsin query source.ip:192.0.2.* --count\n",
     command_query},
    {"alerts", "[--since T] [--limit N] [--follow]", "lists alerts, and what was decided about them",
     "Behind the # stands the beginning of an alert's id; below it who decided what about it, and why.\n\n"
     "  tocsin alerts --since 24h\n  tocsin alerts --follow\n",
     command_alerts},
    {"alert", "ack ID | reclassify ID --as SEVERITY | resolve ID, each with --reason TEXT [--key K] [--wait TIME]",
     "decides about an alert: signed with your key, in the log for ever",
     "ID: the first digits of an alert's id. SEVERITY: 1, 2a, 2b, 3a, 3b, 3c, 4. K is a person's key file; without it the only\n"
     "one of the site's. The text of a reason can be erased with its class, that somebody decided stays.\n\n"
     "  tocsin alert ack 3f9a12bc --reason 'my own test'\n"
     "  tocsin alert reclassify 3f9a12bc --as 2b --reason 'a scanner, nothing got through'\n",
     command_alert},
    {"excerpt", "[EXPR] [--since T] [--until T] [--class C] [--host H] [--limit N] | --hold N -o FILE",
     "writes events with their proofs into a file that stands alone",
     "EXPR and T as for query. What is open is closed first, and the checkpoint that covers it waited for.\n"
     "Of a stopped collector: what its log holds; the rest is left out, and told.\n"
     "--hold N: what a hold keeps of units that were erased.\n\n"
     "  tocsin excerpt 'Failed password' --since 1h -o case12.excerpt\n  tocsin verify --trust log.trust case12.excerpt\n",
     command_excerpt},
    {"absence", "--stream S --class C --from T --to T -o FILE",
     "writes a proof that no event of a class was read between two times",
     "S: HOST, or HOST/bulk for system and application; HOST~ID for a stream that was, ID the first 8 digits of its id.\n"
     "Says for which intervals that is witnessed, and where the gaps are.\n\n"
     "  tocsin absence --stream signer1 --class signing --from 2026-11-21 --to 2026-11-22 -o sunday.absence\n",
     command_absence},
    {"trust", "export -o F", "writes what a verifier must know beforehand",
     "Origin and key of the log, its genesis, the witnesses. Hand it over on another way than the proofs.\n\n"
     "  tocsin trust export -o log.trust\n",
     command_trust},
    {"verify", "[--full] [--trust F] | [--trust F]… [--entry F | --leaf HEX] FILE… | [--key F] SEGMENT…", "checks signatures, chains and roots over the whole store, or files that stand alone",
     "Without a file: reads everything from the running collector, or from the store when it is stopped, and recomputes\n"
     "every hash; with a trust file it must be that log, cosigned by those witnesses. A file: an excerpt or a proof of\n"
     "absence, held against the trust file, or against this site. A tlog-proof (c2sp.org/tlog-proof@v1) of anybody's making\n"
     "proves that one entry is in the log: --entry names its bytes, --leaf its hash, where the proof does not bring it.\n"
     "Files of several logs, with a trust file for each, are held against each other, too: a host that sends to two sites must\n"
     "have told both the same.\n"
     "Exit 0: all of it holds. Exit 1: it says where it doesn't. Exit 3: nothing to hold it against.\n\n"
     "  tocsin verify\n  tocsin verify --trust log.trust case12.excerpt\n"
     "  tocsin verify --trust a.trust --trust b.trust a.absence b.absence\n",
     command_verify},
    {"detect", "[--rules DIR…] [--decoders DIR…] [--format auto|syslog|json|logfmt|plain|jsonl] FILE…",
     "runs rules over files; one alert a line",
     "The same decoders and rules as in the collector. FILE - is standard input.\n"
     "Exit 1: there were alerts.\n\n"
     "  tocsin detect /var/log/auth.log\n  journalctl -o short-iso | tocsin detect --rules ./my-rules -\n",
     command_detect},
    {"decode", "[--decoders DIR…] [--format F] FILE…", "shows the fields of each line, one JSON object a line",
     "  tocsin decode /var/log/auth.log\n", command_decode},
    {"rules", "check [DIR…] | list [DIR…] | test [DIR…]", "says which rules load, which do not, and why; runs them on their samples",
     "check tells what is refused, what its author should look at (needless, never matching, unclear), and which rules have no\n"
     "log source here; list names the others, too. test runs the NAME.samples beside the rules: what has to be said of these\n"
     "lines, and nothing else. DIR may be a file; without DIR it is about the shipped rules.\n"
     "Exit 1: some rule is refused; test: a sample is wrong, or a rule has none that makes it speak.\n\n"
     "  tocsin rules check /etc/tocsin/rules\n  tocsin rules test ./my-rules\n",
     command_rules},
    {"people", "list | add NAME --role ROLE -o F [--public HEX | --key K] | remove NAME -o F", "who may sign statements",
     "ROLE: admin, monitor, board, arbitrator. add makes a key file for the person (or takes the public key of one that they\n"
     "made themselves) and a statement that two people of different roles sign; where there are too few, one signs.\n\n"
     "  tocsin people add alice --role board -o alice.txt\n  tocsin sign alice.txt\n  tocsin submit alice.txt\n",
     command_people},
    {"revoke", "HOST -o F", "ends a host's signing key, where it was stolen or the host broken into",
     "What is signed with it from then on, and with keys that come from it, is UNATTESTED in every verdict. One person signs.\n"
     "The host joins again with `tocsin join-token`.\n\n"
     "  tocsin revoke signer1 -o revoke.txt\n  tocsin sign revoke.txt\n  tocsin submit revoke.txt\n",
     command_revoke},
    {"sign", "F [--key K] [--yes]", "shows a statement in words and signs it",
     "K is a person's key file; without it the only one of the site's. What cannot be explained is not signed.\n\n"
     "  tocsin sign policy.txt --key /media/alice/alice.key\n",
     command_sign},
    {"submit", "F [--wait TIME] [--proof P] | F --witness URL [--ca FILE]", "puts a signed statement into the log and proves that it is there",
     "Waits for the checkpoint that proves it, an hour unless --wait says otherwise. Exit 1: none came; then it is handed to\n"
     "the witnesses of collector.yaml, which serve it to whoever asks, so that nobody can say it was never made. With --witness\n"
     "it is handed to that one, and to nobody else. P gets the proof (c2sp.org/tlog-proof), for `tocsin verify`.\n\n"
     "  tocsin submit policy.txt\n  tocsin submit --witness https://witness.example.org:7516 policy.txt\n",
     command_submit},
    {"retention",
     "status | policy | propose CLASS=MIN..MAX… [--veto DAYS] [--shipped] -o F | check --standard S [F | --shipped] | run | "
     "erase --class C --day DATE --reason TEXT -o F | veto N -o F | explain N --reason TEXT -o F | "
     "decommission HOST [--reason TEXT] -o F",
     "how long events are kept, what has come due, and what changes it",
     "status: what is held, due and overdue, with a picture of time. Exit 1: something outlived its maximum.\n"
     "check: what the policy falls short of in a standard, cabf-br or security-manual. Exit 1: something.\n"
     "propose, erase, veto and decommission write statements for people to sign. Terms: 24m, 2y, life, life+12m, forever.\n"
     "run: the nightly job, now.\n\n"
     "  tocsin retention propose access=24m..36m -o policy.txt\n  tocsin retention check --standard cabf-br\n"
     "  tocsin retention erase --class access --day 2026-11-21 --reason 'court order 7' -o erase.txt\n",
     command_retention},
    {"hold",
     "list | show N | place [--host H] [--class C]… [--from T] [--until T] [--query EXPR] --reason TEXT -o F | release N --reason TEXT "
     "-o F",
     "what must not be erased, whatever its age",
     "What a hold matches outlives its maximum; the rest of the same batch does not. show: what a hold keeps of what was\n"
     "erased around it, each event proved by its batch's root.\n\n"
     "  tocsin hold place --host signer1 --class signing --from 2026-11-01 --reason 'case 12' -o hold.txt\n",
     command_hold},
    {"backup", "[DIR [--key FILE] [--day-keys DIR]]", "makes a backup now, while the collector runs or at rest",
     "Without DIR the collector makes one of its own (backup.folder in collector.yaml). Encrypted under the key in FILE\n"
     "(backup.key in the collector's folder, made where there is none): keep a copy of it elsewhere. Keys of sealed days go\n"
     "to a folder of their own alone; what is made by hand is to be removed within a week, so that erasing reaches it.\n\n"
     "  tocsin backup\n  tocsin backup /media/usb/tocsin --day-keys /media/usb2/keys\n",
     command_backup},
    {"restore", "DIR [--key FILE] [--day-keys DIR] [--set TIME] [--missing-from DIR] | DIR --list", "makes a site again from a folder of backups",
     "To the folder that --site names, which has no store yet. The key and the day keys' copy are looked for where they were,\n"
     "unless they are named. Exit 1: something is missing; it says what.\n"
     "--missing-from names another folder of the same log's backups, or the same: what any set in it was followed by beyond\n"
     "this one comes back, too, when the newest checkpoint signs it; the base of that set need not be readable.\n"
     "Then start the collector: it says whether anything newer is known than what came back.\n\n"
     "  tocsin --site /etc/tocsin restore /srv/backup/tocsin --key backup.key --day-keys /srv/backup-keys/tocsin\n",
     command_restore},
    {"origin", "propose --name ORIGIN [--lost TEXT] [--note F] -o F | begin F | check DIR",
     "another log in the place of one that cannot go on",
     "For a restored collector that witnesses or agents have seen more of than came back, when nobody has the rest. propose\n"
     "writes what two people of different roles sign; begin, over the stopped collector, puts the log before into\n"
     "DATA/before-N, where verify, query, excerpt and absence still read it (--data), and the new log begins with the next\n"
     "start: same people, policies and keys, another name. Every host joins again. check holds the new log's beginning\n"
     "against the log before in DIR; exit 1: it does not follow.\n\n"
     "  tocsin origin propose --name ca1/tocsin-2 -o origin.txt\n  tocsin sign origin.txt\n  tocsin origin begin origin.txt\n",
     command_origin},
    {"witnesses", "show | propose [--needed N] [--key VKEY]… -o F", "whose cosignatures the log needs",
     "propose writes a statement that two people sign; without --key it takes the witnesses of collector.yaml. Without\n"
     "witnesses in the log's own policy nothing is erased by itself.\n\n"
     "  tocsin witnesses propose -o witnesses.txt\n",
     command_witnesses},
    {"probe",
     "KIND [TARGET] [--KEY VALUE]… | ocsp|crl|tls|tsa --response F --issuer F … | discover CERT [--issuer F] [-o F]",
     "asks a service now, and judges the answer: each check, what was seen, what was due, where that is written",
     "KIND asks as the agent would: every address of TARGET on its own, each step timed. The options are the keys of a probe\n"
     "in agent.yaml (tocsin-agent.yaml(5)): --issuer, --certificates, --timeout … --set switches a check off\n"
     "(crl.validity-long=off) or sets a number (ocsp.refresh-most=2d). --memory DIR keeps what the next run is held against, such\n"
     "as a CRL's number. Exit 1: something is warned of, or worse.\n"
     "discover writes the probes that a certificate asks for: its OCSP responder and CRLs.\n\n"
     "With --response an answer in a file is judged: --issuer F [--cert F | --serial S] [--profile cabf-br|rfc] [--max-age TIME]\n"
     "[--headers F] [--previous F] [--uri URI] [--expect STATUS] [--reason N] [--nonce HEX] [--set NAME=VALUE]…\n"
     "F is DER for what was answered, DER or PEM for certificates; --issuer may hold several. S: 4660, 0x1234, 12:34.\n"
     "--previous: the CRL before, for what fell, shrank or is gone. --headers: as `curl -D` writes them.\n"
     "tsa: [--query F | --digest SHA] [--nonce HEX] [--policy OID], what was asked; --issuer may be the authority's own.\n"
     "tls: F is a chain of certificates, --issuer the anchors: [--server-name NAME] [--weak-keys F].\n"
     "--expect: issued (with --cert), good, revoked, unissued. --uri: where a CRL came from, for the scope that it names.\n"
     "The verdict says what a relying party may conclude, whatever the profile says.\n\n"
     "  tocsin probe ocsp http://ocsp.example.org/ --issuer ca.pem --certificates www.pem\n"
     "  tocsin probe discover www.pem --issuer ca.pem -o /etc/tocsin/agent.d/probes.yaml\n"
     "  tocsin probe ocsp --response r.der --issuer ca.pem --cert www.pem\n"
     "  tocsin probe crl --response new.crl --previous old.crl --issuer ca.pem --now 2026-11-21T18:00Z\n"
     "  tocsin probe tls --response chain.pem --issuer root.pem --server-name www.example.org\n"
     "  tocsin probe tsa --response r.tsr --query r.tsq --issuer ca.pem\n",
     command_probe},
    {"test-alert", "", "sends a test alert through every channel and says how each took it", "  tocsin test-alert\n",
     command_test_alert},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static const struct command *find(const char *name) {
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static void print_help(FILE *to) {
    fputs("Usage: tocsin [--site DIR] [--json] COMMAND …\n\n", to);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-11s %s\n", commands[i].name, commands[i].summary);
    fputs("\nEvery command takes:\n"
          "  --site DIR   the site's folder (TOCSIN_SITE, else " SITE_DEFAULT ")\n"
          "  --data DIR   where keys and the store are, instead of the setting `data`\n"
          "  --json       JSON Lines with ECS names instead of text\n"
          "  --now TIME   the time for checks of files\n"
          "  --help       of a command: what it takes, with examples\n"
          "\nStart: tocsin init /etc/tocsin\n",
          to);
}

static void print_command_help(const struct command *command) {
    printf("Usage: tocsin %s %s\n\n%s.\n\n%s", command->name, command->arguments, command->summary, command->help);
}

/* For the manual page and the completion: "NAME<tab>ARGUMENTS<tab>SUMMARY" a line. */
static void print_table(void) {
    for (size_t i = 0; i < COMMANDS; i++)
        printf("%s\t%s\t%s\n", commands[i].name, commands[i].arguments, commands[i].summary);
}

int main(int argc, char **argv) {
    struct command_context context;
    struct fault fault = {0};
    bool help = false;
    umask(077);
    if (!command_take_options(&context, &argc, argv, &help, &fault))
        return command_fail(NULL, &fault);
    const char *name = argc > 1 ? argv[1] : NULL;
    if (name && strcmp(name, "help") == 0) {
        help = true;
        name = argc > 2 ? argv[2] : NULL;
    }
    if (!name) {
        print_help(help ? stdout : stderr);
        return help ? EXIT_GOOD : EXIT_USAGE;
    }
    if (strcmp(name, "--version") == 0) {
        puts("tocsin " TOCSIN_VERSION);
        return EXIT_GOOD;
    }
    if (strcmp(name, "--commands") == 0) {
        print_table();
        return EXIT_GOOD;
    }
    const struct command *command = find(name);
    if (!command) {
        fprintf(stderr, "tocsin: there is no command '%s'; `tocsin help` lists them\n", name);
        return EXIT_USAGE;
    }
    if (help) {
        print_command_help(command);
        return EXIT_GOOD;
    }
    return command->run(&context, argc - 1, argv + 1);
}
