// realm-web, unmodified: e-mail addresses that have to be confirmed, and passwords that are reset by mail.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { failure, Gateway, Realm } from "./gateway.mjs";

const { Credentials } = Realm;

let gateway;
before(async () => {
    gateway = await Gateway.start({
        autoConfirm: false,
        emailConfirmationUrl: "https://stations.example/confirm",
        confirmEmailSubject: "Welcome",
        resetPasswordUrl: "https://stations.example/reset",
        resetPasswordSubject: "A new password",
    });
});
after(() => gateway.stop());

const log_in = (email, password) => gateway.app().logIn(Credentials.emailPassword(email, password));

test("nobody logs in before the address is confirmed, and a token does so once", async () => {
    const [auth, email, password] = [gateway.app().emailPasswordAuth, "one@example.com", "a password"];
    await auth.registerUser({ email, password });
    const pending = await failure(log_in(email, password));
    assert.deepEqual([pending.status, pending.code], [401, "AuthError"]);
    assert.equal((await failure(auth.registerUser({ email, password }))).code, "AccountNameInUse");
    const mailed = await gateway.mailed(email);
    await auth.confirmUser(mailed);
    assert.equal((await log_in(email, password)).profile.email, email);
    assert.equal((await failure(auth.confirmUser(mailed))).text, "invalid token data");
    assert.equal((await failure(auth.resendConfirmationEmail({ email }))).code, "UserAlreadyConfirmed");
});

test("a confirmation is sent again on request, and only the newest counts", async () => {
    const [auth, email, password] = [gateway.app().emailPasswordAuth, "two@example.com", "a password"];
    await auth.registerUser({ email, password });
    const first = await gateway.mailed(email);
    await auth.resendConfirmationEmail({ email });
    const second = await gateway.mailed(email);
    assert.notEqual(first.token, second.token);
    await auth.confirmUser(second);
    await log_in(email, password);
});

test("a password is reset by mail, and the sessions of the old one end", async () => {
    const [auth, email] = [gateway.app().emailPasswordAuth, "three@example.com"];
    await auth.registerUser({ email, password: "the old one" });
    await auth.confirmUser(await gateway.mailed(email));
    const user = await log_in(email, "the old one");
    await auth.sendResetPasswordEmail({ email });
    const mailed = await gateway.mailed(email);
    const short = await failure(auth.resetPassword({ ...mailed, password: "12345" }));
    assert.match(short.text, /password must be between 6 and 128 characters/);
    await auth.resetPassword({ ...mailed, password: "the new one" });
    assert.equal((await failure(log_in(email, "the old one"))).code, "InvalidPassword");
    assert.equal((await log_in(email, "the new one")).id, user.id);
    assert.equal((await failure(user.refreshAccessToken())).code, "InvalidSession");
    assert.equal((await failure(auth.resetPassword({ ...mailed, password: "once more" }))).text, "invalid token data");
});

test("addresses that nobody has are told", async () => {
    const [auth, email] = [gateway.app().emailPasswordAuth, "nobody@example.com"];
    for (const call of ["sendResetPasswordEmail", "resendConfirmationEmail"]) {
        const error = await failure(auth[call]({ email }));
        assert.deepEqual([error.status, error.code, error.text], [404, "UserNotFound", "user not found"]);
    }
});

test("without a reset function there is none to be called", async () => {
    const [auth, email] = [gateway.app().emailPasswordAuth, "four@example.com"];
    await auth.registerUser({ email, password: "a password" });
    const error = await failure(auth.callResetPasswordFunction({ email, password: "a password" }, 1));
    assert.ok(error.status >= 400 && error.status < 500, `${error.status}`);
});
