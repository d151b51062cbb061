// realm-web, unmodified: users of a gateway with an application directory.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { APP_ID, failure, Gateway, jwt, Realm } from "./gateway.mjs";

const { Credentials, UserState } = { ...Realm, UserState: Realm.UserState };

let gateway;
before(async () => (gateway = await Gateway.start()));
after(() => gateway.stop());

let made = 0;
/** A client with a new user who has an e-mail address. */
async function registered() {
    const [app, email, password] = [gateway.app(), `user${made++}@example.com`, "a password"];
    await app.emailPasswordAuth.registerUser({ email, password });
    return { app, email, password, user: await app.logIn(Credentials.emailPassword(email, password)) };
}

test("an unknown app is named in the error", async () => {
    const error = await failure(gateway.app({ id: "other-abcde" }).logIn(Credentials.anonymous()));
    assert.equal(error.status, 404);
    assert.match(error.text, /cannot find app using Client App ID 'other-abcde'/);
});

test("an anonymous user is used again unless another one is asked for", async () => {
    const app = gateway.app();
    const first = await app.logIn(Credentials.anonymous());
    assert.equal((await app.logIn(Credentials.anonymous())).id, first.id);
    const other = await app.logIn(Credentials.anonymous(false));
    assert.notEqual(other.id, first.id);
    assert.equal(app.currentUser.id, other.id);
    assert.equal(Object.keys(app.allUsers).length, 2);
    app.switchUser(first);
    assert.equal(app.currentUser.id, first.id);
    assert.equal(first.identities.length, 1);
    assert.equal(first.identities[0].providerType, "anon-user");
});

test("who registered logs in, and has a profile with the e-mail address", async () => {
    const { email, user } = await registered();
    assert.equal(user.state, UserState.Active);
    assert.equal(user.profile.email, email);
    assert.equal(user.identities[0].providerType, "local-userpass");
    assert.match(user.deviceId, /^[0-9a-f]{24}$/);
    assert.deepEqual(user.customData, {});
});

test("unknown users, wrong passwords and names in use are told as ever", async () => {
    const { app, email } = await registered();
    const wrong = { status: 401, code: "InvalidPassword", text: "unauthorized" };
    for (const [name, password] of [[email, "another one"], ["nobody@example.com", "a password"]]) {
        const { link, ...error } = await failure(app.logIn(Credentials.emailPassword(name, password)));
        assert.deepEqual(error, wrong);
    }
    const { code, text } = await failure(app.emailPasswordAuth.registerUser({ email, password: "a password" }));
    assert.deepEqual([code, text], ["AccountNameInUse", "name already in use"]);
    const short = await failure(app.emailPasswordAuth.registerUser({ email: "new@example.com", password: "12345" }));
    assert.equal(short.status, 400);
    assert.match(short.text, /password must be between 6 and 128 characters/);
});

test("with automatic confirmation nothing is confirmed by hand", async () => {
    const { app, email } = await registered();
    const again = await failure(app.emailPasswordAuth.resendConfirmationEmail({ email }));
    assert.deepEqual([again.status, again.code, again.text], [400, "UserAlreadyConfirmed", "already confirmed"]);
    const called = await failure(app.emailPasswordAuth.retryCustomConfirmation({ email }));
    assert.match(called.text, new RegExp(`cannot run confirmation for ${email}: automatic confirmation is enabled`));
    const unknown = await failure(app.emailPasswordAuth.resendConfirmationEmail({ email: "nobody@example.com" }));
    assert.deepEqual([unknown.status, unknown.code, unknown.text], [404, "UserNotFound", "user not found"]);
    const token = await failure(app.emailPasswordAuth.confirmUser({ token: "a", tokenId: "b" }));
    assert.deepEqual([token.status, token.code, token.text], [400, "BadRequest", "invalid token data"]);
});

test("API keys are made, listed, switched off and on, and deleted", async () => {
    const { app, user } = await registered();
    const first = await user.apiKeys.create("first");
    assert.deepEqual(Object.keys(first).sort(), ["_id", "disabled", "key", "name"]);
    assert.match(first._id, /^[0-9a-f]{24}$/);
    const second = await user.apiKeys.create("second_one-2");
    const { key: _, ...shown } = first;
    assert.deepEqual(await user.apiKeys.fetch(first._id), shown);
    assert.deepEqual((await user.apiKeys.fetchAll()).map((one) => one.name), ["first", "second_one-2"]);
    const device = gateway.app();
    assert.equal((await device.logIn(Credentials.apiKey(first.key))).id, user.id);
    await user.apiKeys.disable(first._id);
    assert.equal((await user.apiKeys.fetch(first._id)).disabled, true);
    const refused = await failure(gateway.app().logIn(Credentials.apiKey(first.key)));
    assert.deepEqual([refused.status, refused.code, refused.text], [401, "AuthError", "unauthorized"]);
    await user.apiKeys.enable(first._id);
    await gateway.app().logIn(Credentials.apiKey(first.key));
    await user.apiKeys.delete(second._id);
    const gone = await failure(user.apiKeys.fetch(second._id));
    assert.deepEqual([gone.status, gone.code, gone.text], [404, "APIKeyNotFound", "API key not found"]);
    assert.equal((await failure(gateway.app().logIn(Credentials.apiKey(second.key)))).status, 401);
    assert.equal(app.currentUser.id, user.id);
});

test("API keys have names of letters, digits, underscores and hyphens", async () => {
    const { user } = await registered();
    const wrong = await failure(user.apiKeys.create("no spaces"));
    assert.deepEqual([wrong.status, wrong.code], [400, "InvalidParameter"]);
    assert.match(wrong.text, /can only contain ASCII letters, numbers, underscores, and hyphens/);
    assert.match((await failure(user.apiKeys.create(""))).text, /'name' is a required string/);
});

test("the key of another user is not there", async () => {
    const [one, other] = [await registered(), await registered()];
    const key = await one.user.apiKeys.create("mine");
    for (const call of ["fetch", "enable", "disable", "delete"]) {
        const error = await failure(other.user.apiKeys[call](key._id));
        assert.deepEqual([call, error.status, error.code], [call, 404, "APIKeyNotFound"]);
    }
});

test("a server's key logs in a user of its own kind", async () => {
    const [, key] = (await gateway.run("keys", "create", "importer")).match(/([A-Za-z0-9_-]{40,})/);
    const user = await gateway.app().logIn(Credentials.apiKey(key));
    assert.equal(user.identities[0].providerType, "api-key");
    assert.equal(user.storage.profile.type, "server");
});

test("a custom token makes a user at the first log-in, and names the same one after", async () => {
    const token = jwt({ sub: "station-7", station: { name: "north" } });
    const user = await gateway.app().logIn(Credentials.jwt(token));
    assert.equal(user.profile.name, "north");
    assert.equal(user.identities[0].id, "station-7");
    const renamed = jwt({ sub: "station-7", station: { name: "south" } });
    const again = await gateway.app().logIn(Credentials.jwt(renamed));
    assert.equal(again.id, user.id);
    assert.equal(again.profile.name, "south");
});

test("bad custom tokens are refused", async () => {
    const now = Math.floor(Date.now() / 1000);
    const good = { sub: "station-8", station: { name: "x" } };
    const tokens = {
        unsigned: jwt(good, "", { alg: "none", typ: "JWT" }),
        "signed by somebody else": jwt(good, "another-secret-of-thirty-two-chars"),
        expired: jwt({ ...good, exp: now - 3600 }),
        "not yet valid": jwt({ ...good, nbf: now + 3600 }),
        "for another app": jwt({ ...good, aud: "other-abcde" }),
        "without its metadata": jwt({ sub: "station-8" }),
        "without a subject": jwt({ station: { name: "x" } }),
        "no token": "a.b.c",
    };
    for (const [what, token] of Object.entries(tokens)) {
        const error = await failure(gateway.app().logIn(Credentials.jwt(token)));
        assert.deepEqual([what, error.status], [what, 401]);
        assert.match(error.text, /unauthorized/, what);
    }
});

test("an anonymous user becomes a person, and keeps the id", async () => {
    const [app, email] = [gateway.app(), "linked@example.com"];
    const user = await app.logIn(Credentials.anonymous());
    await app.emailPasswordAuth.registerUser({ email, password: "a password" });
    await user.linkCredentials(Credentials.emailPassword(email, "a password"));
    assert.deepEqual(user.identities.map((one) => one.providerType), ["anon-user", "local-userpass"]);
    const elsewhere = await gateway.app().logIn(Credentials.emailPassword(email, "a password"));
    assert.equal(elsewhere.id, user.id);
    await user.linkCredentials(Credentials.jwt(jwt({ sub: "station-9", station: { name: "x" } })));
    assert.equal(user.identities.length, 3);
});

test("what belongs to somebody else cannot be linked", async () => {
    const { email, password } = await registered();
    const user = await gateway.app().logIn(Credentials.anonymous());
    const error = await failure(user.linkCredentials(Credentials.emailPassword(email, password)));
    assert.equal(error.status, 401);
    assert.match(error.text, /unauthorized/);
    assert.equal((await gateway.app().logIn(Credentials.emailPassword(email, password))).id !== user.id, true);
});

test("custom data comes with a new access token", async () => {
    const { user } = await registered();
    await gateway.run("users", "set-custom-data", user.id, `{"owner": "${user.id}", "level": 3}`);
    assert.deepEqual(user.customData, {}, "as of the token");
    const data = await user.refreshCustomData();
    assert.equal(data.owner, user.id);
});

test("an access token that is good no more is exchanged, and the call made again", async () => {
    const { user } = await registered();
    const parts = user.accessToken.split(".");
    user.accessToken = [parts[0], parts[1], "AAAA"].join(".");
    await user.refreshProfile();
    assert.notEqual(user.accessToken.split(".")[2], "AAAA");
});

test("who logged out has no session any more", async () => {
    const { app, user, email, password } = await registered();
    const refreshToken = user.refreshToken;
    await user.logOut();
    assert.equal(user.state, UserState.LoggedOut);
    assert.equal(app.currentUser, null);
    user.refreshToken = refreshToken;
    const error = await failure(user.refreshAccessToken());
    assert.deepEqual([error.status, error.code], [401, "InvalidSession"]);
    assert.match(error.text, /failed to find refresh token/);
    assert.equal((await app.logIn(Credentials.emailPassword(email, password))).id, user.id);
});

test("a user who was removed is logged out", async () => {
    const { app, user } = await registered();
    await app.removeUser(user);
    assert.equal(user.state, UserState.Removed);
    assert.deepEqual(app.allUsers, {});
});

test("a user who was deleted cannot log in", async () => {
    const { app, user, email, password } = await registered();
    await app.deleteUser(user);
    assert.equal(user.state, UserState.Removed);
    const error = await failure(app.logIn(Credentials.emailPassword(email, password)));
    assert.deepEqual([error.status, error.code, error.text], [401, "InvalidPassword", "unauthorized"]);
    await app.emailPasswordAuth.registerUser({ email, password });
});

test("an operator's decision holds: disabled, enabled, revoked", async () => {
    const { user, email, password } = await registered();
    await gateway.run("users", "disable", user.id);
    assert.equal((await failure(user.refreshAccessToken())).code, "InvalidSession");
    assert.equal((await failure(gateway.app().logIn(Credentials.emailPassword(email, password)))).code, "UserDisabled");
    await gateway.run("users", "enable", user.id);
    const again = await gateway.app().logIn(Credentials.emailPassword(email, password));
    await gateway.run("users", "revoke", user.id);
    assert.equal((await failure(again.refreshAccessToken())).code, "InvalidSession");
});

test("providers that are not configured are not there", async () => {
    const app = gateway.app();
    for (const credentials of [
        Credentials.google({ idToken: jwt({ sub: "1" }) }),
        Credentials.apple(jwt({ sub: "1" })),
        Credentials.facebook("token"),
        Credentials.function({ who: "me" }),
    ]) {
        const error = await failure(app.logIn(credentials));
        assert.equal(error.code, "AuthProviderNotFound", credentials.providerType);
    }
});

test("functions are not there, in the known words", async () => {
    const { user } = await registered();
    const { code, text } = await failure(user.functions.sum(1, 2));
    assert.equal(code, "FunctionNotFound");
    assert.match(text, /function not found/);
    assert.equal((await failure(user.mongoClient("mongodb-atlas").db("d").collection("c").find({}))).code, "FunctionNotFound");
});

test("nothing that was secret is in the log", async () => {
    const { user, password } = await registered();
    const key = await user.apiKeys.create("logged");
    const bad = jwt({ sub: "station-1" }, "x".repeat(32));
    await failure(gateway.app().logIn(Credentials.jwt(bad)));
    await failure(gateway.app().logIn(Credentials.emailPassword(user.profile.email, "another password")));
    for (const secret of [password, "another password", key.key, bad, user.accessToken, user.refreshToken]) {
        assert.equal(gateway.log.includes(secret), false);
    }
    assert.match(gateway.log, new RegExp(APP_ID));
});
