/* SPDX-License-Identifier: Apache-2.0
 *
 * The command table; see commands.h. */
#include "idp/ctl/commands.h"

#include "base/cleanup.h"

const struct ctl_command ctl_commands[] = {
    /* noun     verb            words           options              flags                  help */
    {"client",  "add",          {NULL},         {"expires-in"},      CTL_FILE | CTL_SECRET, "register a client from RFC 7591 metadata"},
    {"client",  "list",         {NULL},         {NULL},              0,                     "all clients"},
    {"client",  "show",         {"client_id"},  {NULL},              0,                     "one client's metadata, and how old its secrets are"},
    {"client",  "rotate-secret", {"client_id"}, {"overlap", "expires-in"}, CTL_SECRET,      "a new secret; the old one ends after the overlap"},
    {"client",  "drop-secret",  {"client_id"},  {NULL},              0,                     "end the secret before the newest at once"},
    {"client",  "disable",      {"client_id"},  {NULL},              0,                     "refuse it and revoke its grants"},
    {"client",  "enable",       {"client_id"},  {NULL},              0,                     "accept it again"},
    {"registration-token", "add", {NULL},       {"uses", "expires-in", "label"}, CTL_SECRET, "let a service register clients itself"},
    {"registration-token", "list", {NULL},      {NULL},              0,                     "tokens for registration"},
    {"registration-token", "revoke", {"id"},    {NULL},              0,                     "one that shall not be used any more"},
    {"resource", "add",         {NULL},         {NULL},              CTL_FILE,              "register a resource: what tokens are for"},
    {"resource", "update",      {NULL},         {NULL},              CTL_FILE,              "replace a resource's whole registration"},
    {"resource", "list",        {NULL},         {NULL},              0,                     "all resources"},
    {"resource", "show",        {"resource"},   {NULL},              0,                     "one resource"},
    {"resource", "disable",     {"resource"},   {NULL},              0,                     "issue no more tokens for it"},
    {"resource", "enable",      {"resource"},   {NULL},              0,                     "issue tokens for it again"},
    {"user",    "add",          {NULL},         {NULL},              CTL_FILE,              "accounts from a JSON object or JSON lines"},
    {"user",    "list",         {NULL},         {"after", "most"},   0,                     "accounts by name"},
    {"user",    "show",         {"username"},   {NULL},              0,                     "one account"},
    {"user",    "lock",         {"username"},   {NULL},              0,                     "lock; ends all sessions and grants"},
    {"user",    "unlock",       {"username"},   {NULL},              0,                     "unlock, and forget wrong attempts"},
    {"user",    "disable",      {"username"},   {NULL},              0,                     "disable; ends all sessions and grants"},
    {"user",    "erase",        {"username"},   {NULL},              0,                     "erase for good"},
    {"user",    "set-password", {"username"},   {NULL},              CTL_FILE,              "new password from a file; must be changed at sign-in"},
    {"user",    "history",      {"username"},   {NULL},              0,                     "what was changed in an account, and by whom; values are masked"},
    {"link",    "list",         {"username"},   {"subject", "issuer"}, CTL_WORDS_OPTIONAL,  "identities at other providers: an account's, or who has one"},
    {"link",    "unlink",       {"username", "connector"}, {NULL},   0,                     "take one away; ends all sessions and grants"},
    {"link",    "merge",        {"from", "into"}, {NULL},            0,                     "two accounts of one person become one"},
    {"representation", "add",   {NULL},         {"person", "represented", "scope", "from", "until"}, 0, "let a person act for an enterprise"},
    {"representation", "list",  {"username"},   {NULL},              0,                     "for whom a person may act now"},
    {"representation", "end",   {"id"},         {NULL},              0,                     "end it; ends sessions and grants under it"},
    {"keys",    "list",         {NULL},         {NULL},              0,                     "keys and their states"},
    {"keys",    "generate",     {NULL},         {"alg", "use"},      0,                     "a new signing key, published but not used; --use envelope: one that a partner wraps for"},
    {"keys",    "public",       {"kid"},        {NULL},              0,                     "a key's public half, for whoever needs it: PEM, with --json also JWK"},
    {"keys",    "rotate",       {NULL},         {"alg"},             0,                     "activate the next signing key"},
    {"session", "list",         {"username"},   {NULL},              0,                     "live sessions of an account"},
    {"session", "end",          {"session_id"}, {NULL},              0,                     "end one session"},
    {"session", "logout-status", {NULL},        {"state", "most"},   0,                     "who was told of ended sessions, and who not yet"},
    {"audit",   "tail",         {NULL},         {"after", "most"},   0,                     "audit rows"},
    {"backup",  NULL,           {"path"},       {NULL},              0,                     "copy the store while it runs"},
    {"export",  NULL,           {NULL},         {NULL},              CTL_JSON,              "all clients, for import elsewhere"},
    {"status",  NULL,           {NULL},         {NULL},              0,                     "health, counts, signer"},
};
const size_t ctl_commands_count = ARRAY_LEN(ctl_commands);
