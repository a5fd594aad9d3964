# What every target of this project shares: warnings as errors, sanitizers, third-party packages.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(simdjson 3.0 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(EDIT REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(CURSES REQUIRED IMPORTED_TARGET ncursesw)
find_package(spdlog 1.10 REQUIRED)

add_library(agdb_options INTERFACE)
target_include_directories(agdb_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(agdb_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
                       -Wnon-virtual-dtor -Wold-style-cast
                       # clang, which builds the fuzzers, warns of other things.
                       $<$<CXX_COMPILER_ID:GNU>:-Werror>
                       # g++ 12 sees these where there is nothing, depending on what it inlined.
                       -Wno-error=restrict -Wno-error=stringop-overflow
                       -Wno-error=maybe-uninitialized -Wno-error=array-bounds
                       -Wno-error=nonnull
                       # Designated initializers leave fields at their defaults on purpose.
                       -Wno-missing-field-initializers)
target_compile_definitions(agdb_options INTERFACE AGDB_VERSION="${PROJECT_VERSION}")
target_link_libraries(agdb_options INTERFACE Threads::Threads)
if(AGDB_SANITIZE)
  target_compile_options(agdb_options INTERFACE -fsanitize=${AGDB_SANITIZE}
                         -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(agdb_options INTERFACE -fsanitize=${AGDB_SANITIZE})
  # g++ 12 sees false positives of these once instrumentation has changed the code's shape.
  target_compile_options(agdb_options INTERFACE -Wno-maybe-uninitialized -Wno-stringop-overflow
                         -Wno-restrict)
  if(AGDB_SANITIZE STREQUAL "thread")
    # Asio's fences are beside the locks that order its queues.
    target_compile_options(agdb_options INTERFACE -Wno-tsan)
  endif()
endif()

# agdb_precompile(TARGET HEADER...): parses those headers once a target. Not in the fuzzers' build, which
# compiles each file by itself, so that a missing include does not go unnoticed.
function(agdb_precompile target)
  if(NOT AGDB_FUZZ)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()

# agdb_library(NAME [LINK targets...]): a static library of all .cc files in the current folder.
function(agdb_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC agdb_options ${ARG_LINK})
    agdb_precompile(${name} <algorithm> <chrono> <expected> <functional> <map> <memory> <optional> <string>
                    <string_view> <utility> <variant> <vector>
                    <fmt/format.h>)
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE agdb_options ${ARG_LINK})
  endif()
endfunction()
