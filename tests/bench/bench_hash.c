/* SPDX-License-Identifier: Apache-2.0
 *
 * The bare password hash: CPU milliseconds of one Argon2id with the parameters that idpd uses, as
 * the floor that a sign-in is compared with. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static double cpu_seconds(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
    int n = argc > 1 ? atoi(argv[1]) : 100;
    unsigned char out[32], salt[crypto_pwhash_SALTBYTES] = {1};
    if (sodium_init() < 0 || n < 1)
        return 1;
    double began = cpu_seconds();
    for (int i = 0; i < n; i++)
        if (crypto_pwhash(out, sizeof out, "mot mat khau dai", 16, salt, 2, 19456 * 1024UL,
                          crypto_pwhash_ALG_ARGON2ID13) != 0)
            return 1;
    printf("%.4f\n", (cpu_seconds() - began) * 1000 / n);
    return 0;
}
