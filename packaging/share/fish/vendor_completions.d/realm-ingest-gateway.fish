# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_realm_ingest_gateway_global_optspecs
	string join \n h/help V/version
end

function __fish_realm_ingest_gateway_needs_command
	# Figure out if the current invocation already has a command.
	set -l cmd (commandline -opc)
	set -e cmd[1]
	argparse -s (__fish_realm_ingest_gateway_global_optspecs) -- $cmd 2>/dev/null
	or return
	if set -q argv[1]
		# Also print the command, so this can be used to figure out what it is.
		echo $argv[1]
		return 1
	end
	return 0
end

function __fish_realm_ingest_gateway_using_subcommand
	set -l cmd (__fish_realm_ingest_gateway_needs_command)
	test -z "$cmd"
	and return 1
	contains -- $cmd[1] $argv
end

complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -s V -l version -d 'Print version'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "serve" -d 'Run the gateway'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "health" -d 'Ask the server that runs here whether it lives, or can store'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "check" -d 'Check the directory of an App Services app: what of it holds here, what does not, and what has to be changed'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "init" -d 'Make the directory of a small app: anonymous users, and devices that bring their classes'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "find" -d 'Show the documents of a collection as Extended JSON, one a line, in the order they arrived'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "export" -d 'Write a whole collection as Extended JSON, one document a line, as mongoimport reads it'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "tail" -d 'Show documents as they arrive, until interrupted'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "dead-letters" -d 'Show the documents that were refused for good, one a line, with the reason'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "stats" -d 'Show what is stored: collections, documents, bytes, dead letters, users, outboxes, setbacks'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "outboxes" -d 'Show every outbox that has sent something, one a line, with what its device said of itself'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "clients" -d 'Show every local file of an unmodified Realm SDK that has sent something, one a line'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "schemas" -d 'Show the schemas that devices sent, and decide between those that contradict each other'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "backup" -d 'Copy the data into a new directory, also while the server runs'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "copy" -d 'Copy what a stopped server has in its directory into MongoDB, for \'serve --mongodb\' to go on from there'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "check-integrity" -d 'Check that both files are sound and agree with each other; what is wrong is shown, one a line'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "keys" -d 'Show the keys that sign tokens, let a new one sign, and retire old ones; and make API keys'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "users" -d 'Show users, make them, keep them out, remove them, and say what the application is told about them'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l config -d 'File with settings, in TOML: the names of the flags and their values' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l dev -d 'Run in development mode' -r -f -a "true\t''
false\t''"
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l app -d 'Directory of an App Services app to serve, read again on SIGHUP; may be given more than once' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l secrets -d 'File with the secrets of the apps, in TOML: name = "value"; those of the environment (REALM_INGEST_SECRET_NAME) go before' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l listen -d 'Address to listen on [default: 127.0.0.1:9090]; port 0 takes a free one' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l metrics-listen -d 'Address to serve /metrics and /healthz on, or a port of 127.0.0.1; without it nothing of them is served. Whoever reaches it sees how much is sent, without a password and without TLS' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l data -d 'Directory of the server\'s data [default: ./realm-ingest-data]' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l mongodb -d 'MongoDB to keep everything in instead of the directory, such as mongodb://user:password@db.example/?replicaSet=rs0. Has a password: better given by the environment or in the file than by the flag' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l mongodb-database -d 'Database there with what the gateways share: users, sessions, positions, dead letters [default: realm_ingest]' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l data-source -d 'Where a data source of an app\'s directory is, if not at --mongodb: NAME=URI; may be given more than once' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l app-id -d 'The client app id, of --dev or of the one app whose directory names none; without it, --dev takes any id for its app' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l expose-dev-mode-to-network -d 'Let development mode listen on an address that other machines reach, and answer to any name' -r -f -a "true\t''
false\t''"
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l public-url -d 'Where clients are sent, such as https://gateway.example; the address they asked if left out' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l trusted-proxy -d 'Network of proxies whose X-Forwarded-For, -Proto and -Host are believed; may be given more than once' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l tls-cert -d 'Certificate chain to serve TLS with, in PEM; read again on SIGHUP and when the file changes' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l tls-key -d 'Private key of the certificate, in PEM' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l client-ca -d 'Certificates in PEM: only clients with one that these have signed may connect' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l logins-burst -d 'Log-ins with a password, an API key or a token that one address may try at once [default: 1000]' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l logins-per-minute -d 'Those it may try again in each minute after that [default: 60]' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l new-users-burst -d 'Users, anonymous or registered, that one address may make at once [default: 1000]' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l new-users-per-minute -d 'Those it may make again in each minute after that [default: 60]' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l connections-per-address -d 'Connections that one address may have [default: 1024]' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l access-token-lifetime -d 'Seconds that an access token is good for, from 5 to 1800 [default: 1800]' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l old-sessions-until -d 'Until this day, such as 2027-03-31 (UTC), imported users may go on with sessions that App Services opened: nobody can check their tokens, so whoever knows a user\'s id may, too' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l refresh-token-lifetime -d 'Seconds that a refresh token and its session are good for, from a minute to five years; those of anonymous users always are for 50 years [default: 5184000, 60 days]' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l smtp-url -d 'Server that sends mails to users, such as smtps://user:password@mail.example:465, or smtp://...?tls=required for STARTTLS. Has a password: better given by the environment or in the file than by the flag' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l mail-from -d 'Whom mails come from, such as \'Weather <weather@example.com>\'' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l mail-dir -d 'Directory where each mail becomes a file, instead of being sent' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l log-format -d 'How the log is written [default: text]' -r -f -a "text\t'For people'
json\t'An object a line'"
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -l print-config -d 'Print the settings that hold, as TOML, and end'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand health" -l config -d 'File with the settings of the server' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand health" -l listen -d 'Address that the server listens on [default: 127.0.0.1:9090]' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand health" -l metrics-listen -d 'Address that it serves /metrics and /healthz on: asked where only clients with a certificate may connect to the other' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand health" -l tls-cert -d 'Certificate chain of the server, where it serves TLS' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand health" -l client-ca -d 'Certificates that those of its clients are signed with, where they need one' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand health" -l ready -d 'Ask whether documents can be stored at present, too: not while the database is away'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand health" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand check" -l secrets -d 'File with secrets, in TOML: name = "value"; those of the environment (REALM_INGEST_SECRET_NAME) go before' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand check" -l app-id -d 'The client app id, if the directory names none' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand check" -l mongodb -d 'For a server that keeps everything in MongoDB'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand check" -l json -d 'Print one JSON object'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand check" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand init" -l app-id -d 'The client app id that devices name [default: the directory\'s name and five letters]' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand init" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand find" -l limit -d 'Show at most this many' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand find" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand find" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand find" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand find" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand find" -l canonical -d 'Spell out every type (canonical Extended JSON)'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand find" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand export" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand export" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand export" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand export" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand export" -l canonical -d 'Spell out every type (canonical Extended JSON)'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand export" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand tail" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand tail" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand tail" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand tail" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand tail" -l from-start -d 'Begin with what is there already'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand tail" -l canonical -d 'Spell out every type (canonical Extended JSON)'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand tail" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and not __fish_seen_subcommand_from replay purge help" -l limit -d 'Show at most this many' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and not __fish_seen_subcommand_from replay purge help" -l class -d 'Only those of this class' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and not __fish_seen_subcommand_from replay purge help" -l outbox -d 'Only those of this outbox' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and not __fish_seen_subcommand_from replay purge help" -l user -d 'Only those of this user' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and not __fish_seen_subcommand_from replay purge help" -l code -d 'Only those refused with this code, such as SchemaConflict' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and not __fish_seen_subcommand_from replay purge help" -l older-than -d 'Only those that came longer ago than this, such as 90d, 12h, 30m, 10s' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and not __fish_seen_subcommand_from replay purge help" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and not __fish_seen_subcommand_from replay purge help" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and not __fish_seen_subcommand_from replay purge help" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and not __fish_seen_subcommand_from replay purge help" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and not __fish_seen_subcommand_from replay purge help" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and not __fish_seen_subcommand_from replay purge help" -f -a "replay" -d 'Check dead letters again under their own schemas, and store those that pass'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and not __fish_seen_subcommand_from replay purge help" -f -a "purge" -d 'Take dead letters away for good'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and not __fish_seen_subcommand_from replay purge help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from replay" -l class -d 'Only those of this class' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from replay" -l outbox -d 'Only those of this outbox' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from replay" -l user -d 'Only those of this user' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from replay" -l code -d 'Only those refused with this code, such as SchemaConflict' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from replay" -l older-than -d 'Only those that came longer ago than this, such as 90d, 12h, 30m, 10s' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from replay" -l directory -d 'Directory of the app, whose schemas and rules hold; not for development mode' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from replay" -l secrets -d 'File with the secrets of the directory, as for `check`' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from replay" -l data-source -d 'With --mongodb: where a data source of the app\'s directory is, if not there: NAME=URI; may be given more than once' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from replay" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from replay" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from replay" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from replay" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from replay" -l dev -d 'With --mongodb: the app is served in development mode, so it has no directory'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l class -d 'Only those of this class' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l outbox -d 'Only those of this outbox' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l user -d 'Only those of this user' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l code -d 'Only those refused with this code, such as SchemaConflict' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l older-than -d 'Only those that came longer ago than this, such as 90d, 12h, 30m, 10s' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -l all -d 'Every one of them'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from purge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from help" -f -a "replay" -d 'Check dead letters again under their own schemas, and store those that pass'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from help" -f -a "purge" -d 'Take dead letters away for good'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand dead-letters; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand stats" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand stats" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand stats" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand stats" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand stats" -l json -d 'As one JSON object'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand stats" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand outboxes" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand outboxes" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand outboxes" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand outboxes" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand outboxes" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand clients" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand clients" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand clients" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand clients" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand clients" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and not __fish_seen_subcommand_from list show forget accept help" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and not __fish_seen_subcommand_from list show forget accept help" -f -a "list" -d 'Show every schema, one a line, with its classes in conflict: their documents are dead letters'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and not __fish_seen_subcommand_from list show forget accept help" -f -a "show" -d 'Show one schema as JSON, as it was sent'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and not __fish_seen_subcommand_from list show forget accept help" -f -a "forget" -d 'Forget a schema, and what was accepted by it alone'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and not __fish_seen_subcommand_from list show forget accept help" -f -a "accept" -d 'Make a schema\'s definition of its classes in conflict the accepted one'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and not __fish_seen_subcommand_from list show forget accept help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from list" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from list" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from list" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from list" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from show" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from show" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from show" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from show" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from forget" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from forget" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from forget" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from forget" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from forget" -l unused -d 'Every schema under which nobody has written and of which nothing was accepted by hand'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from forget" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from accept" -l class -d 'Only this class, with the embedded classes in it' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from accept" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from accept" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from accept" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from accept" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from accept" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show every schema, one a line, with its classes in conflict: their documents are dead letters'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one schema as JSON, as it was sent'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from help" -f -a "forget" -d 'Forget a schema, and what was accepted by it alone'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from help" -f -a "accept" -d 'Make a schema\'s definition of its classes in conflict the accepted one'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand schemas; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand backup" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand backup" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand backup" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand backup" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand backup" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand copy" -l from -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand copy" -l to -d 'MongoDB, as for \'serve --mongodb\'. Has a password: better given by the environment than by the flag' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand copy" -l to-database -d 'Database there with what the gateways share, as for \'serve --mongodb-database\'' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand copy" -l app -d 'Directory of an app that has data, which says where its documents go; may be given more than once. Not for development mode' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand copy" -l secrets -d 'File with the secrets of the apps, as for \'serve\'' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand copy" -l data-source -d 'Where a data source of an app\'s directory is, if not at --to: NAME=URI; may be given more than once' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand copy" -l app-id -d 'The client app id, as for \'serve --app-id\'' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand copy" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand check-integrity" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand check-integrity" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand check-integrity" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand check-integrity" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand check-integrity" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire create disable enable delete help" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire create disable enable delete help" -f -a "list" -d 'Show every key, one a line: those that sign, with the sessions that end with each and when one of these was used last, and then API keys of servers'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire create disable enable delete help" -f -a "rotate" -d 'Make a key that signs from now on'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire create disable enable delete help" -f -a "retire" -d 'Forget a key that does not sign any more'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire create disable enable delete help" -f -a "create" -d 'Make an API key for a server, or for a user, and show it, which is not done again'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire create disable enable delete help" -f -a "disable" -d 'Let nobody in by an API key; the sessions that it has opened end'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire create disable enable delete help" -f -a "enable" -d 'Let its server in again'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire create disable enable delete help" -f -a "delete" -d 'Forget an API key, and the user that its server was'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and not __fish_seen_subcommand_from list rotate retire create disable enable delete help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from list" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from list" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from list" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from list" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from retire" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from retire" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from retire" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from retire" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from retire" -l force -d 'Also when refresh tokens that it has signed are good'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from retire" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from create" -l user -d 'Whose it is, by id or e-mail: who logs in by it is this user, such as one who was imported and whose keys were not' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from create" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from create" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from create" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from create" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from disable" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from disable" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from disable" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from disable" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from disable" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from enable" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from enable" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from enable" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from enable" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from enable" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from delete" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from delete" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from delete" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from delete" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show every key, one a line: those that sign, with the sessions that end with each and when one of these was used last, and then API keys of servers'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "rotate" -d 'Make a key that signs from now on'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "retire" -d 'Forget a key that does not sign any more'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make an API key for a server, or for a user, and show it, which is not done again'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "disable" -d 'Let nobody in by an API key; the sessions that it has opened end'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "enable" -d 'Let its server in again'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Forget an API key, and the user that its server was'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand keys; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and not __fish_seen_subcommand_from list show create import disable enable delete revoke set-custom-data help" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and not __fish_seen_subcommand_from list show create import disable enable delete revoke set-custom-data help" -f -a "list" -d 'Show every user, one a line, in the order in which they came'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and not __fish_seen_subcommand_from list show create import disable enable delete revoke set-custom-data help" -f -a "show" -d 'Show one user with custom data and API keys'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and not __fish_seen_subcommand_from list show create import disable enable delete revoke set-custom-data help" -f -a "create" -d 'Make a user with this e-mail, who is confirmed; the password is asked for, or read from standard input'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and not __fish_seen_subcommand_from list show create import disable enable delete revoke set-custom-data help" -f -a "import" -d 'Take in users of the closed service, with their ids and identities'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and not __fish_seen_subcommand_from list show create import disable enable delete revoke set-custom-data help" -f -a "disable" -d 'Keep a user out: his sessions end, and he cannot log in'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and not __fish_seen_subcommand_from list show create import disable enable delete revoke set-custom-data help" -f -a "enable" -d 'Let a user in again'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and not __fish_seen_subcommand_from list show create import disable enable delete revoke set-custom-data help" -f -a "delete" -d 'Remove a user, or an e-mail that has never logged in; documents stay'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and not __fish_seen_subcommand_from list show create import disable enable delete revoke set-custom-data help" -f -a "revoke" -d 'End every session of a user, who may log in again'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and not __fish_seen_subcommand_from list show create import disable enable delete revoke set-custom-data help" -f -a "set-custom-data" -d 'Set what the application is told about a user'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and not __fish_seen_subcommand_from list show create import disable enable delete revoke set-custom-data help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from list" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from list" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from list" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from list" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from show" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from show" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from show" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from show" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from create" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from create" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from create" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from create" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from import" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from import" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from import" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from import" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from disable" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from disable" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from disable" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from disable" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from disable" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from enable" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from enable" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from enable" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from enable" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from enable" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from delete" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from delete" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from delete" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from delete" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from revoke" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from revoke" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from revoke" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from revoke" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from set-custom-data" -l data -d 'Directory of the server\'s data' -r -F
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from set-custom-data" -l mongodb -d 'MongoDB where the gateways keep everything instead of the directory, as for `serve`. Has a password: better given by the environment' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from set-custom-data" -l mongodb-database -d 'Database there with what the gateways share' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from set-custom-data" -l app -d 'Client app id, where there are several apps' -r
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from set-custom-data" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show every user, one a line, in the order in which they came'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one user with custom data and API keys'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from help" -f -a "create" -d 'Make a user with this e-mail, who is confirmed; the password is asked for, or read from standard input'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from help" -f -a "import" -d 'Take in users of the closed service, with their ids and identities'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from help" -f -a "disable" -d 'Keep a user out: his sessions end, and he cannot log in'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from help" -f -a "enable" -d 'Let a user in again'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Remove a user, or an e-mail that has never logged in; documents stay'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from help" -f -a "revoke" -d 'End every session of a user, who may log in again'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from help" -f -a "set-custom-data" -d 'Set what the application is told about a user'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand users; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "serve" -d 'Run the gateway'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "health" -d 'Ask the server that runs here whether it lives, or can store'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "check" -d 'Check the directory of an App Services app: what of it holds here, what does not, and what has to be changed'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "init" -d 'Make the directory of a small app: anonymous users, and devices that bring their classes'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "find" -d 'Show the documents of a collection as Extended JSON, one a line, in the order they arrived'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "export" -d 'Write a whole collection as Extended JSON, one document a line, as mongoimport reads it'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "tail" -d 'Show documents as they arrive, until interrupted'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "dead-letters" -d 'Show the documents that were refused for good, one a line, with the reason'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "stats" -d 'Show what is stored: collections, documents, bytes, dead letters, users, outboxes, setbacks'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "outboxes" -d 'Show every outbox that has sent something, one a line, with what its device said of itself'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "clients" -d 'Show every local file of an unmodified Realm SDK that has sent something, one a line'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "schemas" -d 'Show the schemas that devices sent, and decide between those that contradict each other'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "backup" -d 'Copy the data into a new directory, also while the server runs'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "copy" -d 'Copy what a stopped server has in its directory into MongoDB, for \'serve --mongodb\' to go on from there'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "check-integrity" -d 'Check that both files are sound and agree with each other; what is wrong is shown, one a line'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "keys" -d 'Show the keys that sign tokens, let a new one sign, and retire old ones; and make API keys'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "users" -d 'Show users, make them, keep them out, remove them, and say what the application is told about them'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and not __fish_seen_subcommand_from serve health check init find export tail dead-letters stats outboxes clients schemas backup copy check-integrity keys users help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from dead-letters" -f -a "replay" -d 'Check dead letters again under their own schemas, and store those that pass'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from dead-letters" -f -a "purge" -d 'Take dead letters away for good'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from schemas" -f -a "list" -d 'Show every schema, one a line, with its classes in conflict: their documents are dead letters'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from schemas" -f -a "show" -d 'Show one schema as JSON, as it was sent'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from schemas" -f -a "forget" -d 'Forget a schema, and what was accepted by it alone'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from schemas" -f -a "accept" -d 'Make a schema\'s definition of its classes in conflict the accepted one'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "list" -d 'Show every key, one a line: those that sign, with the sessions that end with each and when one of these was used last, and then API keys of servers'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "rotate" -d 'Make a key that signs from now on'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "retire" -d 'Forget a key that does not sign any more'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "create" -d 'Make an API key for a server, or for a user, and show it, which is not done again'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "disable" -d 'Let nobody in by an API key; the sessions that it has opened end'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "enable" -d 'Let its server in again'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from keys" -f -a "delete" -d 'Forget an API key, and the user that its server was'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from users" -f -a "list" -d 'Show every user, one a line, in the order in which they came'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from users" -f -a "show" -d 'Show one user with custom data and API keys'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from users" -f -a "create" -d 'Make a user with this e-mail, who is confirmed; the password is asked for, or read from standard input'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from users" -f -a "import" -d 'Take in users of the closed service, with their ids and identities'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from users" -f -a "disable" -d 'Keep a user out: his sessions end, and he cannot log in'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from users" -f -a "enable" -d 'Let a user in again'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from users" -f -a "delete" -d 'Remove a user, or an e-mail that has never logged in; documents stay'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from users" -f -a "revoke" -d 'End every session of a user, who may log in again'
complete -c realm-ingest-gateway -n "__fish_realm_ingest_gateway_using_subcommand help; and __fish_seen_subcommand_from users" -f -a "set-custom-data" -d 'Set what the application is told about a user'
