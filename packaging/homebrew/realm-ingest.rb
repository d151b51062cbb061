# A formula for a tap. `url` and `sha256` are those of the source archive that scripts/release.sh makes.
class RealmIngest < Formula
  desc "Durable outbox, uploader and gateway for Data Ingest"
  homepage "https://realm-ingest.example"
  url "https://realm-ingest.example/realm-ingest-0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "Apache-2.0"

  depends_on "cmake" => :build
  depends_on "ninja" => :build
  depends_on "rust" => :build
  # macOS has not been built for: docs/platforms.md.
  depends_on :linux

  def install
    system "cmake", "-S", ".", "-B", "build", "-G", "Ninja", "-DREALM_INGEST_BUILD_TESTS=OFF",
           "-DREALM_INGEST_BUILD_EXAMPLES=OFF", *std_cmake_args
    system "cmake", "--build", "build"
    system "cmake", "--install", "build"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/realm-ingest-gateway --version")
    (testpath/"test.cpp").write <<~CPP
      #include <cpprealm/sdk.hpp>
      int main() { return realm::object_id::generate().to_string().size() == 24 ? 0 : 1; }
    CPP
    system ENV.cxx, "-std=c++17", "test.cpp", "-I#{include}", "-L#{lib}", "-lrealm_ingest", "-o", "test"
    system "./test"
  end
end
