# How everything is compiled: two interface targets.
#
#   tocsin_code      how code is made: hardening, sanitizers, reproducible paths (generated code takes it, too)
#   tocsin_flags     tocsin_code and what our own code must pass: warnings, the analyzer
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(TOCSIN_WERROR "Treat warnings as errors" OFF)
option(TOCSIN_ANALYZE "Run gcc's static analyzer over the product's code" OFF)
option(TOCSIN_TIDY "Run clang-tidy over the product's code" OFF)
set(TOCSIN_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug or Release" FORCE)
endif()
# Assertions stay in a release: going on with a broken invariant could sign something false.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")

add_library(tocsin_code INTERFACE)
# Everything is a static library that ends in a program: -fPIE is enough, and cheaper than -fPIC.
target_compile_options(tocsin_code INTERFACE -fPIE)
target_link_options(tocsin_code INTERFACE -pie)
# The same sources give the same bytes wherever they stand. Where both match, the last mapping wins.
target_compile_options(tocsin_code INTERFACE
    "-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=" "-ffile-prefix-map=${CMAKE_BINARY_DIR}/=generated/")
if(TOCSIN_SANITIZE)
    # Without no-sanitize-recover a finding of UBSan is a line on stderr and the test passes.
    target_compile_options(tocsin_code INTERFACE
        -fsanitize=${TOCSIN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(tocsin_code INTERFACE -fsanitize=${TOCSIN_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(tocsin_code INTERFACE
        -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
        target_compile_options(tocsin_code INTERFACE -fcf-protection=full)
    elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|ARM64")
        target_compile_options(tocsin_code INTERFACE -mbranch-protection=standard)
    endif()
    target_link_options(tocsin_code INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed)
endif()

add_library(tocsin_flags INTERFACE)
target_link_libraries(tocsin_flags INTERFACE tocsin_code)
target_compile_definitions(tocsin_flags INTERFACE _GNU_SOURCE TOCSIN_VERSION="${PROJECT_VERSION}")
target_compile_options(tocsin_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes
    -Wvla -Wswitch-enum -Wundef -Wformat=2 -Wcast-qual -Wwrite-strings)
if(TOCSIN_WERROR)
    target_compile_options(tocsin_flags INTERFACE -Werror)
endif()
if(TOCSIN_ANALYZE)
    target_compile_options(tocsin_flags INTERFACE -fanalyzer)
endif()
if(TOCSIN_TIDY)
    find_program(CLANG_TIDY clang-tidy REQUIRED)
    set(TOCSIN_TIDY_COMMAND ${CLANG_TIDY} --quiet)
endif()
