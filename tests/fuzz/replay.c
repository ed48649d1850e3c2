/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs one fuzz target over its corpus: `replay_NAME FOLDER`. Each file is also tried cut short,
 * from a heap block of exactly that size, so that valgrind and ASan see a read behind the end. An
 * empty folder is a failure. */
#include <dirent.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/fuzz/fuzz.h"

#define FILE_MAX_BYTES 65536
#define CUTS           64

static void run_once(const uint8_t *bytes, size_t size) {
    AUTO_FREE uint8_t *exact = malloc(size ? size : 1);
    FUZZ_CHECK(exact);
    memcpy(exact, bytes, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
}

static void run_file(const char *folder, const char *name) {
    static uint8_t bytes[FILE_MAX_BYTES];
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    FUZZ_CHECK(f);
    size_t size = fread(bytes, 1, sizeof bytes, f);
    FUZZ_CHECK(feof(f));
    (void)fclose(f);
    run_once(bytes, size);
    for (size_t cut = 1; cut < CUTS; cut++)
        run_once(bytes, size * cut / CUTS);
}

int main(int argc, char **argv) {
    FUZZ_CHECK(argc == 2);
    DIR *folder = opendir(argv[1]);
    FUZZ_CHECK(folder);
    int files = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        run_file(argv[1], entry->d_name);
        files++;
    }
    (void)closedir(folder);
    (void)printf("%d files\n", files);
    return files == 0;
}
