// Tokens that others have signed for the app in providers_app, good until 2100. Made with the key
// `rsa` of gateway/tests/data/jwt.
#pragma once

namespace test {

inline constexpr char custom_token[] =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InJzYSJ9.eyJpYXQiOjE3MDAwMDAwMDAsImV4cCI6NDEwM"
    "jQ0NDgwMCwic3ViIjoic3RhdGlvbi03IiwiYXVkIjoicHJvdmlkZXJzLWFwcCIsInRvd24iOiJVbG0ifQ.gI0n7_kn"
    "DFcymEUjsRCRncJfW0Xyip44j_kyGSkIlNJgNQ6J8KIjEAPbLSErn7qsecJHanT4kZ4WWK8IXKdCDxi8lQZ33DxUI2"
    "EdwFxOXD2WQbi9sGocJ599uGgJarHQJSoQafFvmdSKZzVpSFUt6WwUWKroPhgVhOjOWsrc9fHr5oF5rbJeIz01Gygx"
    "xu_wSnhHaielVLIHGysm2YNuJoUkN1TOrK_MHMkUPhmitKorg2qocApDiRb8ESUcROESf9FXpukA8DlkBqCqLAkr_K"
    "CcYdrtRQNUzTrfGI-YAKkKHAsUvjRo_Gw0Ak5PN-r2-J1HazswbcZMIyzAmyH_pw";
inline constexpr char google_id_token[] =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InJzYSJ9.eyJpYXQiOjE3MDAwMDAwMDAsImV4cCI6NDEwM"
    "jQ0NDgwMCwic3ViIjoiZ29vZ2xlLTEiLCJhdWQiOiJnb29nbGUtY2xpZW50IiwiaXNzIjoiaHR0cHM6Ly9hY2NvdW5"
    "0cy5nb29nbGUuY29tIiwiZW1haWwiOiJnQGV4YW1wbGUuY29tIn0.odhOVxuS4Qz0HqrMagBPLjPDZwBp_m3AycHWZ"
    "I0Gxnubw6yxTHTd2bHiJM0HDLpixdgaAfzdNtYUR296nGb2qwKndXHanugd2eVO3P6oY7IU5jtwTPexmyUj8i-G7L5"
    "PdhtPNJ3dRGj4d9HAaOwQQ-z47vTUE6hNFpE71PO3cF8BU91I09q38mpBRL5LgBgl5EU2lZQ5S5t7gOowF-ec0J2UZ"
    "dSOqKswIJn6gnNscg7TVLt6S2ial2s-6t16EOpvpymdENjEYrAYaqHvcme8bTbS5ivgzU5howpD7rCbnJCECsikell"
    "CKneF4N8L5YGvnHRfbvdL8rTsdfKL9ui_0A";
inline constexpr char apple_id_token[] =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InJzYSJ9.eyJpYXQiOjE3MDAwMDAwMDAsImV4cCI6NDEwM"
    "jQ0NDgwMCwic3ViIjoiYXBwbGUtMSIsImF1ZCI6ImFwcGxlLWNsaWVudCIsImlzcyI6Imh0dHBzOi8vYXBwbGVpZC5"
    "hcHBsZS5jb20ifQ.rR9GqkLzFM9ilNFniEnt73BhDx2EihtP82AAuy_14zIMoKoIB3nMsIoxrZcZGsPFzljeX2Wq_a"
    "l-TYozKWnSRrpoj5GR4uy6064Zh0SEWXHa5J2EKHCY7U-gv8FQ9NAuwuCM-Siy923968Vt9kS0_eJMLpKCUpKB4ZTh"
    "Rah3LQqCXlq0KTNdSDplXqBS9aFf5dCtPdMxffQ4h86Jo-HCkk_DEKnTsqPKUbhs1oGycbCdRtHX5SfISqKJjEagbQ"
    "i8dN6yN2kUFOXtnVW-nVsbkYLk4ULcnV5Z8a8sywiegdsZBFir6EGuKonfBnPp_h2nR4xidNBbJl5v02bMG5mYiA";
inline constexpr char facebook_token[] =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InJzYSJ9.eyJpYXQiOjE3MDAwMDAwMDAsImV4cCI6NDEwM"
    "jQ0NDgwMCwic3ViIjoiZmFjZWJvb2stMSIsImF1ZCI6ImZhY2Vib29rLWNsaWVudCIsImlzcyI6Imh0dHBzOi8vd3d"
    "3LmZhY2Vib29rLmNvbSJ9.BKqZD9b0IujAsOVMYRMliMvMxqLRnFl2qPcVZMUSYJtWaIJPcbUXyCJAC_KA_wXeGh7z"
    "9KNrNtmAKxOj7x7X3UJjECcJgd_FQos70g1jSWJUdQhCJ4xuL8i5QzHjwB2-VrdbP-4KG5nhpNQzwr8ODzZKNA6wBT"
    "JoTGyfP_OLhVNj-yjDijV-A87c8aoW8DwegCNRuZI9c7Mh48b7M3FfyOQbi2ZHcF37h8Jw5xxLGzRA_pG6AO_4eQTz"
    "ucJH837tYnT_1akUV-tx__IrCZkAvIarIX4Ezc87WZJlOZIYq21AEpnNjUo4RureGHbeKEkBh-y9IGaBSDU6GEQuj7"
    "nwtA";

} // namespace test
