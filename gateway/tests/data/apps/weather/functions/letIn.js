exports = function (payload) {
    return payload.id;
};
