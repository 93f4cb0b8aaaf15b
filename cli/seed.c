/* seed.c - see seed.h. One transaction a user, so an interrupted run leaves whole users. Each user has a sequence of random numbers
 * of its own, begun from the seed and the user's place; an email that is taken (the same seed was used before) gets another
 * tail and changes nothing else. */
#include "cli/seed.h"

#include "cli/bar.h"
#include "cli/number.h"
#include "domain/money.h"
#include "domain/shop.h"
#include "domain/user.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { USERS_MOST = 1000000, ORDERS_MOST = 1000, ITEMS_MOST = 100, QUANTITY_MOST = 5 };
enum { CENTS_LEAST = 100, CENTS_MOST = 50000, TEXT_MAX = 96, TAILS = 1000 };

static const char *const firsts[] = {"Ada",    "Ben",  "Chloe", "Dmitri", "Elena", "Farid",
                                     "Grace",  "Hiro", "Ines",  "Jonas",  "Kim",   "Lucia",
                                     "Min-ji", "Noor", "Omar",  "Priya"};
static const char *const lasts[] = {
    "Adler", "Baker",  "Costa",    "Dubois", "Eriksen", "Fischer", "Garcia",  "Haddad",
    "Ito",   "Jensen", "Kowalski", "Lee",    "Moreau",  "Novak",   "O'Brien", "Park"};
static const char *const streets[] = {"Main St", "Oak Ave",    "Mill Rd",   "Harbour Way",
                                      "Park Ln", "Station Rd", "Church St", "Garden Ct"};
static const struct {
    const char *city, *state, *postal_code, *country;
} cities[] = {{"Seoul", NULL, "04524", "KR"},  {"Busan", NULL, "48058", "KR"},
              {"Austin", "TX", "73301", "US"}, {"Portland", "OR", "97201", "US"},
              {"Lyon", NULL, "69001", "FR"},   {"Osaka", NULL, "530-0001", "JP"},
              {"Dublin", NULL, NULL, "IE"},    {"Graz", NULL, "8010", "AT"}};
static const char *const goods[] = {"Coffee", "Tea",    "Bread", "Butter", "Cheese", "Olives",
                                    "Pasta",  "Pepper", "Rice",  "Salt",   "Soup",   "Tofu"};

#define PICK(state, list) ((list)[seed_below((state), ARRAY_LEN(list))])

uint64_t seed_draw(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t seed_below(uint64_t *state, uint64_t n)
{
    return seed_draw(state) % n; /* n is small: what the remainder prefers is not seen */
}

struct plan {
    int64_t users, max_orders, max_items, seed;
};

static int read_plan(const struct argline_values *v, struct plan *p, struct err *e)
{
    int rc = number_read("users", v->of[0], 20, 0, USERS_MOST, &p->users, e);
    if (rc == 0) {
        rc = number_read("max_orders", v->of[1], 3, 1, ORDERS_MOST, &p->max_orders, e);
    }
    if (rc == 0) {
        rc = number_read("max_items", v->of[2], 2, 1, ITEMS_MOST, &p->max_items, e);
    }
    return rc == 0 ? number_read("seed", v->of[3], 1, 0, INT64_MAX, &p->seed, e) : rc;
}

static int make_order(struct db *db, const struct plan *p, uint64_t *state, struct str user_id,
                      struct err *e)
{
    size_t count = 1 + seed_below(state, (uint64_t)p->max_items);
    struct shop_item items[ITEMS_MOST];
    char quantities[ITEMS_MOST][8];
    char prices[ITEMS_MOST][MONEY_TEXT_MAX];
    for (size_t i = 0; i < count; i++) {
        items[i].name = str_of(PICK(state, goods));
        snprintf(quantities[i], sizeof quantities[i], "%d",
                 1 + (int)seed_below(state, QUANTITY_MOST));
        money_text(CENTS_LEAST + (int64_t)seed_below(state, CENTS_MOST - CENTS_LEAST),
                   prices[i]);
        items[i].quantity = str_of(quantities[i]);
        items[i].price = str_of(prices[i]);
    }
    struct result *rows = NULL;
    int rc = shop_create(
        db, &(struct shop_input){.user_id = user_id, .items = items, .item_count = count},
        &rows, e);
    result_free(rows);
    return rc;
}

/* One user whose email ends in that tail, with all that is theirs. ERR_CONFLICT: the email is taken. */
static int make_user(struct db *db, const struct plan *p, int64_t index, int64_t tail,
                     struct err *e)
{
    uint64_t state = (uint64_t)p->seed;
    state = seed_draw(&state) ^ (uint64_t)index;
    char name[TEXT_MAX], email[TEXT_MAX], phone[TEXT_MAX], street[TEXT_MAX];
    snprintf(name, sizeof name, "%s %s", PICK(&state, firsts), PICK(&state, lasts));
    snprintf(email, sizeof email, "user%" PRId64 ".%" PRId64 ".%" PRId64 "@example.com",
             index + 1, p->seed, tail);
    snprintf(phone, sizeof phone, "+82-10-%04d-%04d", (int)seed_below(&state, 10000),
             (int)seed_below(&state, 10000));
    snprintf(street, sizeof street, "%d %s", 1 + (int)seed_below(&state, 200),
             PICK(&state, streets));
    size_t city = seed_below(&state, ARRAY_LEN(cities));
    const struct address_input address = {.street = str_of(street),
                                          .city = str_of(cities[city].city),
                                          .state = str_of(cities[city].state),
                                          .postal_code = str_of(cities[city].postal_code),
                                          .country = str_of(cities[city].country)};
    const struct user_input in = {.name = str_of(name),
                                  .email = str_of(email),
                                  .phone = str_of(phone),
                                  .address = &address};
    struct result *user = NULL;
    int rc = db_begin(db, e);
    if (rc != 0) {
        return rc;
    }
    rc = user_create(db, &in, &user, e);
    uint64_t orders = 1 + seed_below(&state, (uint64_t)p->max_orders);
    for (uint64_t i = 0; rc == 0 && i < orders; i++) {
        rc = make_order(db, p, &state, user_at(user, 0).id, e);
    }
    if (rc == 0) {
        rc = db_commit(db, e);
    } else {
        db_rollback(db);
    }
    result_free(user);
    return rc;
}

int seed_shop(struct cli *cli, const struct argline_values *v, struct err *e)
{
    struct plan p;
    struct bar bar;
    int rc = read_plan(v, &p, e);
    bar_init(&bar, "users", p.users);
    for (int64_t i = 0; rc == 0 && i < p.users; i++) {
        int64_t tail = 0;
        while ((rc = make_user(cli->db, &p, i, tail, e)) == ERR_CONFLICT && tail < TAILS) {
            tail++;
        }
        bar_show(&bar, i + 1);
    }
    bar_clear(&bar);
    if (rc == 0) {
        buf_addf(&cli->out,
                 "%" PRId64
                 " users with their addresses, orders, and order items have been inserted.\n",
                 p.users);
    }
    return rc;
}
