# nix build '.?dir=packaging/nix' in the tree; the result has the library and the gateway.
{
  description = "Durable outbox, uploader and gateway for Data Ingest";
  inputs.nixpkgs.url = "nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      forEach = build: nixpkgs.lib.genAttrs systems (system: build nixpkgs.legacyPackages.${system});
      manifest = builtins.fromTOML (builtins.readFile ../../Cargo.toml);
    in {
      packages = forEach (pkgs: {
        default = pkgs.stdenv.mkDerivation {
          pname = "realm-ingest";
          version = manifest.workspace.package.version;
          src = ../..;
          nativeBuildInputs = with pkgs; [ cargo cmake ninja rustc rustPlatform.cargoSetupHook ];
          # Libraries as Cargo.lock has them; nothing is fetched while it builds.
          cargoDeps = pkgs.rustPlatform.importCargoLock { lockFile = ../../Cargo.lock; };
          cmakeFlags = [ "-DREALM_INGEST_BUILD_TESTS=OFF" "-DREALM_INGEST_BUILD_EXAMPLES=OFF" ];
          meta = {
            description = "Durable outbox, uploader and gateway for Data Ingest";
            license = pkgs.lib.licenses.asl20;
            platforms = systems;
            mainProgram = "realm-ingest-gateway";
          };
        };
      });
    };
}
