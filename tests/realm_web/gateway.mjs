// A gateway with an application directory of its own, and realm-web clients of it.

import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile, mkdir } from "node:fs/promises";
import { createHmac } from "node:crypto";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createRequire } from "node:module";

// Resolved from where the test was installed, beside which its packages lie.
const Realm = createRequire(join(process.cwd(), "package.json"))("realm-web");
export { Realm };

export const APP_ID = "stations-abcde";
export const SIGNING_SECRET = "a-secret-of-thirty-two-characters";

const provider = (type, config) => ({ name: type, type, disabled: false, ...config });

/** The files of an application; `password` is the configuration of its e-mail/password provider. */
function application(password) {
    return {
        "root_config.json": { config_version: 20230101, name: "stations", deployment_model: "LOCAL", environment: "" },
        ".mdb/meta.json": { config_version: 20230101, client_app_id: APP_ID },
        "auth/providers.json": {
            "anon-user": provider("anon-user"),
            "api-key": provider("api-key"),
            "local-userpass": provider("local-userpass", { config: password }),
            "custom-token": provider("custom-token", {
                config: { audience: [], requireAnyAudience: false, signingAlgorithm: "HS256", useJWKURI: false },
                secret_config: { signingKeys: ["signing_secret"] },
                metadata_fields: [{ required: true, name: "station.name", field_name: "name" }],
            }),
        },
        "auth/custom_user_data.json": {
            enabled: true,
            mongo_service_name: "mongodb-atlas",
            database_name: "weather",
            collection_name: "people",
            user_id_field: "owner",
        },
        "data_sources/mongodb-atlas/config.json": {
            name: "mongodb-atlas",
            type: "mongodb-atlas",
            config: { clusterName: "Cluster0" },
            version: 1,
        },
        "data_sources/mongodb-atlas/default_rule.json": {
            roles: [
                {
                    name: "all",
                    apply_when: {},
                    document_filters: { read: true, write: true },
                    read: true,
                    write: true,
                    insert: true,
                    delete: true,
                    search: true,
                },
            ],
        },
        "sync/config.json": {
            type: "flexible",
            state: "enabled",
            development_mode_enabled: true,
            service_name: "mongodb-atlas",
            database_name: "weather",
            is_recovery_mode_disabled: false,
            asymmetric_tables: [],
        },
    };
}

/** Runs a command of the gateway and gives its standard output. */
async function command(...args) {
    const child = spawn(process.env.REALM_INGEST_GATEWAY, args, { stdio: ["ignore", "pipe", "pipe"] });
    let out = "", errors = "";
    child.stdout.on("data", (bytes) => (out += bytes));
    child.stderr.on("data", (bytes) => (errors += bytes));
    const code = await new Promise((ended) => child.on("close", ended));
    if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}: ${errors}`);
    return out;
}

export class Gateway {
    /** `password` is the configuration of the e-mail/password provider. */
    static async start(password = { autoConfirm: true }) {
        const gateway = new Gateway();
        gateway.folder = await mkdtemp(join(tmpdir(), "realm-web-"));
        const app = join(gateway.folder, "app");
        for (const [path, content] of Object.entries(application(password))) {
            await mkdir(dirname(join(app, path)), { recursive: true });
            await writeFile(join(app, path), JSON.stringify(content, null, 4) + "\n");
        }
        gateway.data = join(gateway.folder, "data");
        gateway.mails = join(gateway.folder, "mails");
        await mkdir(gateway.mails);
        const serve = ["serve", "--app", app, "--data", gateway.data, "--listen", "127.0.0.1:0", "--mail-dir", gateway.mails];
        gateway.process = spawn(process.env.REALM_INGEST_GATEWAY, serve, {
            stdio: ["ignore", "pipe", "pipe"],
            env: { ...process.env, REALM_INGEST_SECRET_SIGNING_SECRET: SIGNING_SECRET },
        });
        gateway.log = "";
        gateway.process.stderr.on("data", (bytes) => (gateway.log += bytes));
        for await (const line of createInterface({ input: gateway.process.stdout })) {
            const [, url] = line.match(/listening on (\S+)/) ?? [];
            if (url) {
                gateway.url = url;
                return gateway;
            }
        }
        throw new Error(`the gateway did not start:\n${gateway.log}`);
    }

    async stop() {
        const ended = new Promise((done) => this.process.on("close", done));
        this.process.kill("SIGTERM");
        await ended;
        await rm(this.folder, { recursive: true });
    }

    /** A client as on a device of its own: realm-web keeps what it knows by the app's id and this name. */
    app(options = {}) {
        return new Realm.App({ id: APP_ID, baseUrl: this.url, skipLocationRequest: false, ...options, storage: memory() });
    }

    /** A command on this gateway's data. */
    run(...args) {
        return command(...args, "--data", this.data, "--app", APP_ID);
    }

    /** The `token` and `tokenId` of the newest mail to this address. */
    async mailed(address) {
        const end = Date.now() + 20_000;
        while (Date.now() < end) {
            const names = (await readdir(this.mails)).sort();
            for (const name of names.reverse()) {
                const text = await readFile(join(this.mails, name), "utf8");
                if (!text.includes(address)) continue;
                await rm(join(this.mails, name));
                // Lines of a mail are folded, and "=" is written as "=3D".
                const whole = text.replace(/=\r?\n/g, "").replace(/=3D/g, "=");
                const [, token] = whole.match(/[?&]token=([\w%.-]+)/);
                const [, tokenId] = whole.match(/[?&]tokenId=([\w%.-]+)/);
                return { token: decodeURIComponent(token), tokenId: decodeURIComponent(tokenId) };
            }
            await new Promise((soon) => setTimeout(soon, 20));
        }
        throw new Error(`no mail to ${address} came`);
    }
}

/** What realm-web keeps in a browser's storage. */
function memory(prefix = "", all = new Map()) {
    return {
        get: (key) => all.get(prefix + key) ?? null,
        set: (key, value) => void all.set(prefix + key, value),
        remove: (key) => void all.delete(prefix + key),
        prefix: (part) => memory(`${prefix}${part}:`, all),
        clear: (part = "") => [...all.keys()].filter((key) => key.startsWith(prefix + part)).forEach((key) => all.delete(key)),
        addListener() {},
        removeListener() {},
    };
}

/** A JWT with these claims, signed as the application expects it. */
export function jwt(claims, secret = SIGNING_SECRET, header = { alg: "HS256", typ: "JWT" }) {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const now = Math.floor(Date.now() / 1000);
    const text = `${part(header)}.${part({ aud: APP_ID, iat: now, exp: now + 600, ...claims })}`;
    return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

/** The error of a promise that must fail, as realm-web tells it. */
export async function failure(promise) {
    try {
        await promise;
    } catch (error) {
        return { status: error.statusCode, code: error.errorCode, text: error.error ?? error.message, link: error.link };
    }
    throw new Error("it did not fail");
}
