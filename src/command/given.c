/* given.c - see given.h. The HTTP service and the command line read the same objects, so they are read in one place. */
#include "command/given.h"

static int read_place(struct arena *mem, struct str object, struct str *lat, struct str *lon,
                      struct err *e)
{
    struct field f[] = {{.name = "lat", .kind = FIELD_NUMBER, .required = true},
                        {.name = "long", .kind = FIELD_NUMBER, .required = true}};
    int rc = fields_read(mem, object, f, ARRAY_LEN(f), e);
    *lat = f[0].text;
    *lon = f[1].text;
    return rc == 0 ? 0 : err_add(e, "address");
}

static int read_card(struct arena *mem, struct str object, struct given_customer *out,
                     struct err *e)
{
    struct field f[] = {{.name = "number", .kind = FIELD_VALUE, .required = true},
                        {.name = "yy", .kind = FIELD_VALUE, .required = true},
                        {.name = "mm", .kind = FIELD_VALUE, .required = true},
                        {.name = "cvc", .kind = FIELD_VALUE}};
    int rc = fields_read(mem, object, f, ARRAY_LEN(f), e);
    if (rc == 0) {
        rc = card_take(&out->card, f[0].text, f[1].text, f[2].text, f[3].text, e);
        card_forget(&out->card);
    }
    out->has_card = rc == 0;
    out->in.card_last4 = str_of(out->card.last4);
    out->in.card_expiry = str_of(out->card.expiry);
    return rc == 0 ? 0 : err_add(e, "card");
}

int given_customer(struct arena *mem, struct str object, bool of_new,
                   struct given_customer *out, struct err *e)
{
    enum { ID, FIRST, LAST, FULL, ADDRESS, CARD, USERNAME, EMAIL, PHONE, FIELDS };
    struct field f[FIELDS] = {
        [ID] = {.name = "customerId", .kind = of_new ? FIELD_ID : FIELD_VALUE},
        [FIRST] = {.name = "firstname", .kind = FIELD_TEXT, .required = of_new},
        [LAST] = {.name = "lastname", .kind = FIELD_TEXT, .required = of_new},
        [FULL] = {.name = "fullname", .kind = FIELD_TEXT},
        [ADDRESS] = {.name = "address", .kind = FIELD_OBJECT, .required = of_new},
        [CARD] = {.name = "card", .kind = FIELD_OBJECT, .required = of_new},
        [USERNAME] = {.name = "username", .kind = FIELD_TEXT},
        [EMAIL] = {.name = "email", .kind = FIELD_TEXT},
        [PHONE] = {.name = "phone", .kind = FIELD_TEXT}};
    int rc = fields_read(mem, object, f, FIELDS, e);
    *out = (struct given_customer){.in = {.id = of_new ? f[ID].text : STR_NULL,
                                          .first_name = f[FIRST].text,
                                          .last_name = f[LAST].text,
                                          .full_name = f[FULL].text,
                                          .username = f[USERNAME].text,
                                          .email = f[EMAIL].text,
                                          .phone = f[PHONE].text}};
    if (rc == 0 && f[CARD].text.p != NULL) {
        rc = read_card(mem, f[CARD].text, out, e);
    }
    if (rc == 0 && f[ADDRESS].text.p != NULL) {
        rc = read_place(mem, f[ADDRESS].text, &out->in.lat, &out->in.lon, e);
    }
    return rc;
}

int given_account(struct arena *mem, struct str object, struct customer_input *out,
                  struct err *e)
{
    enum { ID, USERNAME, FIRST, LAST, EMAIL, PHONE, FIELDS };
    struct field f[FIELDS] = {
        [ID] = {.name = "customerId", .kind = FIELD_TEXT, .required = true},
        [USERNAME] = {.name = "username", .kind = FIELD_TEXT, .required = true},
        [FIRST] = {.name = "firstName", .kind = FIELD_TEXT, .required = true},
        [LAST] = {.name = "lastName", .kind = FIELD_TEXT, .required = true},
        [EMAIL] = {.name = "email", .kind = FIELD_TEXT},
        [PHONE] = {.name = "phone", .kind = FIELD_TEXT}};
    int rc = fields_read(mem, object, f, FIELDS, e);
    *out = (struct customer_input){.uuid = f[ID].text,
                                   .username = f[USERNAME].text,
                                   .first_name = f[FIRST].text,
                                   .last_name = f[LAST].text,
                                   .email = f[EMAIL].text,
                                   .phone = f[PHONE].text};
    return rc;
}

int given_restaurant(struct arena *mem, struct str object, struct restaurant_input *out,
                     struct err *e)
{
    enum { ID, NAME, ADDRESS, ACTIVE, FIELDS };
    struct field f[FIELDS] = {
        [ID] = {.name = "restaurantId", .kind = FIELD_ID},
        [NAME] = {.name = "name", .kind = FIELD_TEXT, .required = true},
        [ADDRESS] = {.name = "address", .kind = FIELD_OBJECT, .required = true},
        [ACTIVE] = {.name = "active", .kind = FIELD_BOOL}};
    int rc = fields_read(mem, object, f, FIELDS, e);
    *out = (struct restaurant_input){
        .id = f[ID].text, .name = f[NAME].text, .active = f[ACTIVE].text};
    return rc == 0 ? read_place(mem, f[ADDRESS].text, &out->lat, &out->lon, e) : rc;
}

int given_menu(struct arena *mem, struct str object, bool of_new, struct menu_input *out,
               struct err *e)
{
    enum { ID, RESTAURANT, NAME, DESCRIPTION, PRICE, RATING, AVAILABLE, FIELDS };
    struct field f[FIELDS] = {
        [ID] = {.name = "menuItemId", .kind = of_new ? FIELD_ID : FIELD_VALUE},
        [RESTAURANT] = {.name = "restaurantId",
                        .kind = of_new ? FIELD_ID : FIELD_VALUE,
                        .required = of_new},
        [NAME] = {.name = "name", .kind = FIELD_TEXT, .required = of_new},
        [DESCRIPTION] = {.name = "description", .kind = FIELD_TEXT},
        [PRICE] = {.name = "price", .kind = FIELD_MONEY, .required = of_new},
        [RATING] = {.name = "rating", .kind = FIELD_NUMBER},
        [AVAILABLE] = {.name = "available", .kind = FIELD_BOOL}};
    int rc = fields_read(mem, object, f, FIELDS, e);
    *out = (struct menu_input){.id = f[ID].text,
                               .restaurant_id = f[RESTAURANT].text,
                               .name = f[NAME].text,
                               .description = f[DESCRIPTION].text,
                               .price = f[PRICE].text,
                               .rating = f[RATING].text,
                               .available = f[AVAILABLE].text};
    return rc;
}
